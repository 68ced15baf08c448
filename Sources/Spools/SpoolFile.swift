import Digests
import Glibc

/// A file of records that only grows: whoever reads it takes what is whole from its beginning.
///
/// One thread writes; any may read what was written before.
package final class SpoolFile: Sendable {
    package let path: String
    private let descriptor: Int32

    private init(path: String, descriptor: Int32) {
        (self.path, self.descriptor) = (path, descriptor)
    }

    deinit { close(descriptor) }

    /// A new file for `header`, in place of one of that name; with its length.
    package static func create(_ path: String, _ header: SpoolHeader) throws(SpoolError) -> (SpoolFile, end: Int) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SpoolError(.create, path) }
        let file = SpoolFile(path: path, descriptor: descriptor)
        let bytes = SpoolFormat.bytes(of: header)
        try file.write([bytes], at: 0)
        return (file, bytes.count)
    }

    /// The file at `path`, and where its records begin; nil where it is of another build, unit or format, or cut off.
    package static func open(_ path: String, _ header: SpoolHeader) throws(SpoolError) -> (SpoolFile, start: Int)? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(.open, path) }
        let file = SpoolFile(path: path, descriptor: descriptor)
        let wanted = SpoolFormat.bytes(of: header)
        guard try file.read(wanted.count, at: 0) == wanted else { return nil }
        return (file, wanted.count)
    }

    /// Writes `record` at `offset`; after an error the same can be tried again.
    package func write(_ record: SpoolRecord, at offset: Int) throws(SpoolError) -> SpoolPlace {
        precondition(record.fields.count <= SpoolFormat.mostFields, "texts are bounded when they are read")
        let head = SpoolFormat.head(of: record)
        var checksum = Checksum()
        for part in [head, record.fields, record.image] { checksum.update(part) }
        var tail: [UInt8] = []
        tail.append(little: checksum.value)
        try write([head, record.fields, record.image, tail], at: offset)
        return SpoolPlace(
            offset: offset, fieldsLength: UInt32(record.fields.count), imageLength: UInt32(record.image.count),
            checksum: checksum.value)
    }

    /// The record at `place`, which was written or visited there.
    ///
    /// - Throws: `damaged` where it is not the same any more.
    package func record(at place: SpoolPlace) throws(SpoolError) -> SpoolRecord {
        var parts = [
            SpoolFormat.headLength, Int(place.fieldsLength), Int(place.imageLength), 4,
        ].map { [UInt8](repeating: 0, count: $0) }
        guard try read(into: &parts, at: place.offset) == place.byteCount else {
            throw SpoolError(.damaged, path, errno: 0)
        }
        var checksum = Checksum()
        for part in parts[..<3] { checksum.update(part) }
        guard checksum.value == place.checksum, parts[3].little32(0) == checksum.value,
            let head = SpoolFormat.parse(head: parts[0]), head.fields == parts[1].count, head.image == parts[2].count
        else { throw SpoolError(.damaged, path, errno: 0) }
        return SpoolRecord(head.kind, row: head.row, fields: parts[1], image: parts[2])
    }

    /// Shows every record from `start` on, without its image, up to the end or the first that is not whole.
    package func visit(
        from start: Int, _ body: (SpoolRecord.Kind, _ row: Int, _ fields: [UInt8], SpoolPlace) -> Void
    ) throws(SpoolError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SpoolError(.read, path) }
        var offset = start
        while true {
            let bytes = try read(SpoolFormat.headLength, at: offset)
            guard bytes.count == SpoolFormat.headLength, let head = SpoolFormat.parse(head: bytes) else { return }
            let place = SpoolPlace(
                offset: offset, fieldsLength: UInt32(head.fields), imageLength: UInt32(head.image), checksum: 0)
            guard offset + place.byteCount <= Int(status.st_size) else { return }
            var checksum = Checksum()
            checksum.update(bytes)
            let fields = try read(head.fields, at: offset + bytes.count)
            checksum.update(fields)
            var next = offset + bytes.count + head.fields
            let tail = offset + place.byteCount - 4
            while next < tail {
                let part = try read(min(1 << 20, tail - next), at: next)
                guard !part.isEmpty else { return }  // it was cut meanwhile
                checksum.update(part)
                next += part.count
            }
            let stored = try read(4, at: tail)
            guard stored.count == 4, stored.little32(0) == checksum.value else { return }
            let whole = SpoolPlace(
                offset: offset, fieldsLength: place.fieldsLength, imageLength: place.imageLength,
                checksum: checksum.value)
            body(head.kind, head.row, fields, whole)
            offset += whole.byteCount
        }
    }

    /// Up to `count` bytes from `offset` on: fewer at the end of the file.
    private func read(_ count: Int, at offset: Int) throws(SpoolError) -> [UInt8] {
        var parts = [[UInt8](repeating: 0, count: count)]
        let done = try read(into: &parts, at: offset)
        return done == count ? parts[0] : Array(parts[0].prefix(done))
    }

    /// Fills `parts` one after the other from `offset` on; how many bytes there were.
    private func read(into parts: inout [[UInt8]], at offset: Int) throws(SpoolError) -> Int {
        var total = 0
        for index in parts.indices {
            var done = 0
            while done < parts[index].count {
                let got = parts[index].withUnsafeMutableBytes {
                    pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset + total + done))
                }
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw SpoolError(.read, path) }
                if got == 0 { return total + done }
                done += got
            }
            total += done
        }
        return total
    }

    private func write(_ parts: [[UInt8]], at offset: Int) throws(SpoolError) {
        var offset = offset
        for part in parts {
            var done = 0
            while done < part.count {
                let wrote = part.withUnsafeBytes {
                    pwrite(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset))
                }
                if wrote < 0, errno == EINTR { continue }
                guard wrote > 0 else { throw SpoolError(.write, path) }
                (done, offset) = (done + wrote, offset + wrote)
            }
        }
    }
}

/// Removes the spool at `path`; one that is gone already is no fault.
package func removeSpool(_ path: String) throws(SpoolError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw SpoolError(.remove, path) }
}
