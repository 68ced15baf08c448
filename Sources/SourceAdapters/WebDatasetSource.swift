import Archives
import Files
import Manifests
import Samples

/// Tars in which a sample's members lie side by side, as webdataset has them: plain, or compressed by gzip, zstd, bzip2, xz.
///
/// The key is the name up to the first dot behind the last slash. Where a sample's first member comes again, another sample of
/// the same key begins; where another of its members does, the sample is a bad row: no image gets another's caption. Caption,
/// URL and what else is known are read from `txt` and `json`, as img2dataset and our own shards have them. What a Mac adds to
/// archives is passed over. A damaged or cut archive gives the samples up to there, and one row more that says so.
/// Source: webdataset `tariterators.py`, `base_plus_ext`; img2dataset `writer.py`.
package struct WebDatasetSource: ListSource {
    package let name: String
    let imageRoots: [String] = []
    private let paths: [String]
    var fileCount: Int { paths.count }
    /// Each of them has an image.
    var headRows: Int { 20 }

    /// The samples of `paths`, in that order.
    package init(name: String, paths: [String]) {
        (self.name, self.paths) = (name, paths)
    }

    func examine(file: Int) throws(SourceError) -> HeadRows {
        let head = try someBytes(of: paths[file])
        guard Compression(of: head) == nil, let foreign = ForeignFile(head), foreign.name != "a tar archive" else {
            return HeadRows()
        }
        throw SourceError(.malformed, paths[file], foreign.message(wanted: "a tar archive"))
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        try TarCursor(file, paths[file], at: position)
    }
}

/// Goes over the samples of one tar.
///
/// In a plain tar, a position is the byte of a sample's first header. A compressed one can only be read from its start, so
/// that there a position is the number of a sample: `companion` says which of the two it is.
private final class TarCursor: ListCursor {
    /// A longer member is not an image.
    private static let memberByteLimit = 128 << 20
    private static let imageExtensions: Set<String> = ["jpg", "jpeg", "png", "webp", "gif"]

    let path: String
    private let file: Int
    private let tar: TarReader
    /// The first member of the next sample, whose header was read already; nil behind the last.
    private var pending: TarReader.Member?
    private var number = 0
    /// Why reading ended early.
    private var damage: String?
    private var hasToldOfDamage = false
    /// What the sample read last has twice.
    private var repeated: String?

    init(_ file: Int, _ path: String, at position: InputPosition?) throws(SourceError) {
        let isNumber = position?.companion == 1
        (self.file, self.path) = (file, path)
        do throws(ArchiveError) {
            tar = try TarReader(path, at: isNumber ? 0 : position?.offset ?? 0)
            pending = try Self.nextMember(tar)
        } catch {
            throw SourceError(error.isOfSystem ? .unreadable : .malformed, path, error.detail)
        }
        if isNumber, let position { _ = try skip(position.offset) }
    }

    var place: ListPlace {
        ListPlace(unit: position.companion == 1 ? "sample" : "byte", number: position.offset)
    }
    /// The row that tells of damage has no header, so that it goes by its number in a plain tar too.
    var position: InputPosition {
        guard !tar.isCompressed, let pending else { return InputPosition(file: file, offset: number, companion: 1) }
        return InputPosition(file: file, offset: pending.offset)
    }

    func skip(_ count: Int) throws(SourceError) -> Int {
        for found in 0..<count {
            if try sample({ (_) throws(ArchiveError) in }) == nil { return found }
        }
        return count
    }

    func next() throws(SourceError) -> ListedFields? {
        var row = ListedFields()
        var texts: [String: [UInt8]] = [:]
        let isLast = pending == nil
        let key = try sample { (member) throws(ArchiveError) in
            guard member.kind == .file else { return row.fault = "a member that is not a plain file" }
            let (_, ending) = keyAndEnding(of: member.name)
            do throws(ArchiveError) {
                if Self.imageExtensions.contains(ending), row.image == nil {
                    row.image = .bytes(try tar.read(member, byteLimit: Self.memberByteLimit))
                } else if ["txt", "caption", "json", "meta.json"].contains(ending) {
                    texts[ending] = try tar.read(member, byteLimit: LineReader.byteLimit)
                }
            } catch {
                if error.isOfSystem { throw error }
                row.fault = error.detail  // of this sample alone; whether more can be read, the next header says
            }
        }
        guard let key else { return nil }
        row.sourceID = key
        row.addTexts(texts)
        if let repeated { row.fault = "two members \(key).\(repeated): it is not clear which is meant" }
        if isLast { row.fault = damage }
        if row.image == nil, row.fault == nil { row.fault = "no image among the sample's members" }
        return row
    }

    /// Gives the members of the next sample to `take`, and its key; nil at the end.
    ///
    /// How many samples there are does not depend on what `take` reads of them: planning reads nothing.
    ///
    /// - Throws: A `SourceError` where the disk or the memory is to blame: the samples are as good as they were.
    private func sample(_ take: (TarReader.Member) throws(ArchiveError) -> Void) throws(SourceError) -> String? {
        guard let first = pending else {
            guard damage != nil, !hasToldOfDamage else { return nil }
            hasToldOfDamage = true
            return ""
        }
        let (key, firstEnding) = keyAndEnding(of: first.name)
        var endings: Set<String> = [firstEnding]
        (pending, repeated) = (nil, nil)
        number += 1
        do throws(ArchiveError) {
            try take(first)
            while let member = try Self.nextMember(tar) {
                let (nextKey, ending) = keyAndEnding(of: member.name)
                guard nextKey == key, ending != firstEnding else {
                    pending = member
                    break
                }
                if !endings.insert(ending).inserted { repeated = ending }
                try take(member)
            }
        } catch {
            if error.isOfSystem { throw SourceError(.unreadable, path, error.detail) }
            damage = error.detail
        }
        return key
    }

    /// The next member that is not a folder, nor something that only a Mac can use.
    private static func nextMember(_ tar: TarReader) throws(ArchiveError) -> TarReader.Member? {
        while let member = try tar.next() {
            if member.kind != .folder, !isOfMac(member.name) { return member }
        }
        return nil
    }
}

/// Whether a member holds what macOS puts beside every file, and nothing of the sample: `._a.jpg`, `__MACOSX/…`, `.DS_Store`.
private func isOfMac(_ name: String) -> Bool {
    let parts = name.split(separator: "/")
    return parts.first == "__MACOSX" || parts.last?.hasPrefix("._") == true || parts.last == ".DS_Store"
}

/// `a/b` and `meta.json` of `a/b.meta.json`, and of `./a/b.meta.json`, which `tar -c .` makes of it.
private func keyAndEnding(of name: String) -> (key: String, ending: String) {
    let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
    let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
    guard let dot = name[start...].firstIndex(of: ".") else { return (name, "") }
    return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
}

extension ListedFields {
    /// What the text members of a sample say; `texts` by their endings.
    fileprivate mutating func addTexts(_ texts: [String: [UInt8]]) {
        if let caption = texts["txt"] ?? texts["caption"] { captions = [memberText(caption)] }
        do throws(ValueFault) {
            for name in ["json", "meta.json"] {
                guard let bytes = texts[name] else { continue }
                switch jsonValue(bytes) {
                case .object(let values)?: try add(JSONFields(values))
                case .array(let list)? where name == "json": captions = try JSONValue.array(list).texts(name)
                case .null?: continue
                case let value?: throw ValueFault(text: "\(name): \(value.kindName), not an object")
                case nil: throw ValueFault(text: "\(name): not JSON")
                }
            }
        } catch {
            fault = error.text
        }
    }

    /// What the object of a sample says, by the names that img2dataset gives to what LAION's lists say, and by ours.
    private mutating func add(_ object: JSONFields) throws(ValueFault) {
        if captions.isEmpty { captions = try object.texts("caption") }
        url = try object.url("url")
        var places = FactColumns(knownAmong: object.keys)
        // Digests are of the bytes as they were fetched then; the image in the tar was made of them.
        (places.md5, places.sha256) = (nil, nil)
        if object.has("original_width"), object.has("original_height") {
            (places.width, places.height) = ("original_width", "original_height")
        }
        facts = RowFacts(places, text: object.text, number: object.number)
        known = Set(Fact.allCases.filter { places[$0] != nil })
    }
}

/// The text of a member: UTF-8, or UTF-16 where a byte order mark says so.
private func memberText(_ bytes: [UInt8]) -> String {
    guard bytes.count >= 2, [[0xff, 0xfe], [0xfe, 0xff]].contains(Array(bytes[..<2])) else { return text(of: bytes) }
    let units = stride(from: 2, to: bytes.count - 1, by: 2).map { place in
        let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
        return bytes[0] == 0xff ? second << 8 | first : first << 8 | second
    }
    return text(of: Array(String(decoding: units, as: UTF16.self).utf8))
}
