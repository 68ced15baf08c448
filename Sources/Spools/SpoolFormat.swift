import Digests

/// The bytes around the records; docs/FORMAT.md describes them.
enum SpoolFormat {
    static let magic = Array("B2SPOOL1".utf8)
    /// Of a record: kind, three zeros, row, length of the fields, length of the image.
    static let headLength = 16
    /// No fields are longer: what claims more is damage.
    static let mostFields = 64 << 20

    /// The head of `record`.
    static func head(of record: SpoolRecord) -> [UInt8] {
        var bytes: [UInt8] = [record.kind.rawValue, 0, 0, 0]
        bytes.append(little: UInt32(record.row))
        bytes.append(little: UInt32(record.fields.count))
        bytes.append(little: UInt32(record.image.count))
        return bytes
    }

    /// What a record's head says; nil where it can be none.
    static func parse(head: [UInt8]) -> (kind: SpoolRecord.Kind, row: Int, fields: Int, image: Int)? {
        guard let kind = SpoolRecord.Kind(rawValue: head[0]), head[1...3].allSatisfy({ $0 == 0 }) else { return nil }
        let fields = Int(head.little32(8))
        guard fields <= mostFields else { return nil }
        return (kind, Int(head.little32(4)), fields, Int(head.little32(12)))
    }

    /// The beginning of a file.
    static func bytes(of header: SpoolHeader) -> [UInt8] {
        var bytes = magic + header.build
        bytes.append(little: UInt64(header.firstRow))
        bytes.append(little: UInt32(header.rowCount))
        let source = Array(header.source.utf8)
        bytes.append(little: UInt32(source.count))
        bytes += source
        var checksum = Checksum()
        checksum.update(bytes)
        bytes.append(little: checksum.value)
        return bytes
    }
}

extension [UInt8] {
    /// Adds the bytes of `value`, the lowest first.
    package mutating func append(little value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    func little32(_ place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[place + $1]) << (8 * UInt32($1)) }
    }
}
