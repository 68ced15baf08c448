import Samples

/// A list of files with one record a row: lines, or elements of a JSON array.
protocol RecordList: ListSource {
    var paths: [String] { get }
    /// A reader of the records of `path`: from byte `offset` on, or from the first record on.
    func records(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader
    /// Reads the header of `path` and gives the meaning of a record's bytes.
    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields
    /// What a file of the list is, for messages.
    var wanted: String { get }
    /// Whether the record is of a row at all; lists that hold other things beside rows say which.
    var isRow: (@Sendable ([UInt8]) -> Bool)? { get }
}

extension RecordList {
    var fileCount: Int { paths.count }
    var isRow: (@Sendable ([UInt8]) -> Bool)? { nil }

    func examine(file: Int) throws(SourceError) -> HeadRows {
        try refuseForeign(paths[file], wanted: wanted)
        return try HeadRows(cursor(file: file, at: nil))
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        let path = paths[file]
        return RecordCursor(
            file: file, reader: try records(of: path, at: position?.offset), isRow: isRow,
            meaning: try meaning(of: path))
    }
}

/// Goes over the records of one file.
final class RecordCursor: ListCursor {
    private let file: Int
    private let reader: any RecordReader
    private let meaning: @Sendable ([UInt8]) -> ListedFields
    private let isRow: (@Sendable ([UInt8]) -> Bool)?

    init(
        file: Int, reader: any RecordReader, isRow: (@Sendable ([UInt8]) -> Bool)? = nil,
        meaning: @escaping @Sendable ([UInt8]) -> ListedFields
    ) {
        (self.file, self.reader, self.meaning, self.isRow) = (file, reader, meaning, isRow)
    }

    var path: String { reader.path }
    var position: InputPosition { InputPosition(file: file, offset: reader.offset) }

    func next() throws(SourceError) -> ListedFields? {
        while let record = try reader.next() {
            switch record {
            case .text(let bytes):
                if isRow?(bytes) != false { return meaning(bytes) }
            case .tooLong: return ListedFields(fault: "longer than \(type(of: reader).byteLimit) bytes")
            }
        }
        return nil
    }

    func skip(_ count: Int) throws(SourceError) -> Int {
        var found = 0
        while found < count {
            if let isRow {
                guard let record = try reader.next() else { break }
                if case .text(let bytes) = record, !isRow(bytes) { continue }
            } else {
                guard try reader.skip() else { break }
            }
            found += 1
        }
        return found
    }
}
