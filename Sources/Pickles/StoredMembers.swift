/// Where the members of a zip archive are that are stored as they are, so that a mapped file is used in place.
///
/// The directory at the end and the header in front of each member have to agree. Compressed and encrypted members are
/// refused, and so are members that overlap. Checksums are not compared: PyTorch may write none.
///
/// Source: the format's description, PKWARE's APPNOTE, sections 4.3 and 4.5.3.
struct StoredMembers {
    /// No archive of a checkpoint has a directory that comes near this.
    private static let longestDirectory = 64 << 20

    let byteCount: Int
    /// Gives bytes of the file, whose range has to be in it.
    let read: (Range<Int>) -> [UInt8]

    /// The bytes of each member, from the start of the file.
    func callAsFunction() throws(PickleError) -> [String: Range<Int>] {
        let (directory, count) = try directory()
        return try entries(directory, count)
    }

    /// Where the directory is, and how many entries it should have.
    private func directory() throws(PickleError) -> (Range<Int>, count: Int) {
        // 1. The end record is the last thing, but for a comment, which has to reach the end of the file.
        let tailStart = max(0, byteCount - 22 - 65_535)
        let tail = read(tailStart..<byteCount)
        guard
            let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
                tail.uint32($0) == 0x0605_4b50 && $0 + 22 + tail.uint16($0 + 20) == tail.count
            })
        else {
            throw PickleError(.truncated, "the archive's directory is missing: the file is cut short, fetch it again")
        }
        var numbers = [tail.uint16(end + 10), tail.uint32(end + 12), tail.uint32(end + 16)]
        var limit = tailStart + end
        // 2. A locator in front of it leads to a record with wider fields, which must say the same where both say it.
        if limit >= 20, case let locator = read(limit - 20..<limit), locator.uint32(0) == 0x0706_4b50 {
            guard let place = locator.uint64(8), place <= limit - 20 - 56, case let record = read(place..<place + 56),
                record.uint32(0) == 0x0606_4b50, let count = record.uint64(32), let size = record.uint64(40),
                let offset = record.uint64(48)
            else { throw PickleError(.badArchive, "the archive's ZIP64 end record is damaged") }
            for (wide, (narrow, all)) in zip([count, size, offset], zip(numbers, [0xffff, 0xffff_ffff, 0xffff_ffff]))
            where narrow != all && narrow != wide {
                throw PickleError(.badArchive, "the archive's two end records disagree: \(narrow) and \(wide)")
            }
            (numbers, limit) = ([count, size, offset], place)
        }
        let (count, size, offset) = (numbers[0], numbers[1], numbers[2])
        guard offset <= limit, size <= limit - offset else {
            throw PickleError(.badArchive, "the archive's directory is outside the file")
        }
        guard size <= Self.longestDirectory else {
            throw PickleError(.tooLarge, "the archive's directory has \(size) bytes")
        }
        return (offset..<offset + size, count)
    }

    private struct Entry {
        let name: String
        let byteCount: Int
        let headerOffset: Int
        /// Whether sizes stand behind the data, and not in front of it.
        let hasDescriptor: Bool
    }

    private func entries(_ directory: Range<Int>, _ count: Int) throws(PickleError) -> [String: Range<Int>] {
        let bytes = read(directory)
        var (place, used, found) = (0, [(header: Int, end: Int)](), [String: Range<Int>]())
        while place < bytes.count {
            guard place + 46 <= bytes.count, bytes.uint32(place) == 0x0201_4b50 else {
                throw PickleError(
                    .badArchive, "the archive's directory is damaged at byte \(directory.lowerBound + place)")
            }
            let end = place + 46 + bytes.uint16(place + 28) + bytes.uint16(place + 30) + bytes.uint16(place + 32)
            guard end <= bytes.count else { throw PickleError(.badArchive, "the archive's directory is cut off") }
            let entry = try entry(bytes, place)
            let data = try data(of: entry, before: directory.lowerBound)
            guard found.updateValue(data, forKey: entry.name) == nil else {
                throw PickleError(.badArchive, "two members are called \(entry.name)")
            }
            used.append((entry.headerOffset, data.upperBound))
            place = end
        }
        guard found.count == count else {
            throw PickleError(.badArchive, "the archive says \(count) members, its directory has \(found.count)")
        }
        used.sort(by: <)
        for (one, next) in zip(used, used.dropFirst()) where one.end > next.header {
            throw PickleError(.badArchive, "members of the archive overlap at byte \(next.header)")
        }
        return found
    }

    /// The entry whose record in the directory begins at `place`.
    private func entry(_ bytes: [UInt8], _ place: Int) throws(PickleError) -> Entry {
        let (nameStart, nameLength) = (place + 46, bytes.uint16(place + 28))
        let nameEnd = nameStart + nameLength
        guard let name = String(validating: bytes[nameStart..<nameEnd], as: UTF8.self) else {
            throw PickleError(.badArchive, "a member's name is not UTF-8")
        }
        let (flags, method) = (bytes.uint16(place + 8), bytes.uint16(place + 10))
        guard flags & 0x2041 == 0 else { throw PickleError(.badArchive, "\(name) is encrypted") }
        guard method == 0 else {
            // A program's code is compressed, its tensors are not.
            if name.split(separator: "/").dropFirst().first == "code" { throw PickleError.program }
            throw PickleError(
                .badArchive,
                "\(name) is compressed, and PyTorch stores members as they are: unpack the archive and "
                    + "pack it again with \"zip -0 -r\", or save it again with torch.save")
        }
        var numbers = [bytes.uint32(place + 24), bytes.uint32(place + 20), bytes.uint32(place + 42)]
        // The fields that are all ones stand in the ZIP64 extra field, in this order.
        var wide = zip64(bytes, nameEnd..<nameEnd + bytes.uint16(place + 30))
        for index in numbers.indices where numbers[index] == 0xffff_ffff {
            guard wide.count >= 8, let number = bytes.uint64(wide.lowerBound) else {
                throw PickleError(.badArchive, "\(name) has no ZIP64 field")
            }
            numbers[index] = number
            wide = (wide.lowerBound + 8)..<wide.upperBound
        }
        guard numbers[0] == numbers[1] else {
            throw PickleError(.badArchive, "\(name) has \(numbers[1]) bytes stored, but \(numbers[0]) of its own")
        }
        return Entry(name: name, byteCount: numbers[0], headerOffset: numbers[2], hasDescriptor: flags & 8 != 0)
    }

    /// The contents of the ZIP64 extra field; empty where there is none.
    private func zip64(_ bytes: [UInt8], _ extra: Range<Int>) -> Range<Int> {
        var place = extra.lowerBound
        while place + 4 <= extra.upperBound {
            let (tag, end) = (bytes.uint16(place), place + 4 + bytes.uint16(place + 2))
            guard end <= extra.upperBound else { break }
            if tag == 1 { return place + 4..<end }
            place = end
        }
        return extra.lowerBound..<extra.lowerBound
    }

    /// Where the data of `entry` is, which its own header says and the file must hold in front of its directory.
    private func data(of entry: Entry, before directory: Int) throws(PickleError) -> Range<Int> {
        guard entry.headerOffset <= directory - 30 else { throw outside(entry) }
        let header = read(entry.headerOffset..<entry.headerOffset + 30)
        let nameLength = header.uint16(26)
        let start = entry.headerOffset + 30 + nameLength + header.uint16(28)
        guard header.uint32(0) == 0x0403_4b50, start <= directory, entry.byteCount <= directory - start else {
            throw outside(entry)
        }
        let name = read(entry.headerOffset + 30..<entry.headerOffset + 30 + nameLength)
        let sizes = [header.uint32(18), header.uint32(22)]
        let isSame = sizes.allSatisfy { $0 == entry.byteCount || $0 == 0xffff_ffff || entry.hasDescriptor }
        guard name.elementsEqual(entry.name.utf8), header.uint16(8) == 0, isSame else {
            throw PickleError(.badArchive, "\(entry.name): the archive's directory and the member's header disagree")
        }
        return start..<start + entry.byteCount
    }

    private func outside(_ entry: Entry) -> PickleError {
        PickleError(.badArchive, "\(entry.name) is not where the archive's directory says")
    }
}
