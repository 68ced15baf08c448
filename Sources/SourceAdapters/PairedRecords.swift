import Samples

/// Two readers side by side: the n-th record of one belongs to the n-th of the other.
final class PairedRecords: ListCursor {
    private let file: Int
    private let first: any RecordReader
    private let second: any RecordReader
    private let meaning: @Sendable ([UInt8], [UInt8]) -> ListedFields

    init(
        file: Int, _ first: any RecordReader, _ second: any RecordReader,
        meaning: @escaping @Sendable ([UInt8], [UInt8]) -> ListedFields
    ) {
        (self.file, self.first, self.second, self.meaning) = (file, first, second, meaning)
    }

    var path: String { first.path }
    var position: InputPosition {
        InputPosition(file: file, offset: first.offset, companion: second.offset)
    }

    func next() throws(SourceError) -> ListedFields? {
        switch (try first.next(), try second.next()) {
        case (.text(let one)?, .text(let other)?): return meaning(one, other)
        case (nil, nil): return nil
        case (nil, _), (_, nil): throw unequal()
        default: return ListedFields(fault: "longer than \(type(of: first).byteLimit) bytes")
        }
    }

    func skip(_ count: Int) throws(SourceError) -> Int {
        for found in 0..<count {
            let isThere = try first.skip()
            guard isThere == (try second.skip()) else { throw unequal() }
            if !isThere { return found }
        }
        return count
    }

    private func unequal() -> SourceError {
        SourceError(
            .malformed, path,
            first.path == second.path
                ? "its columns have different lengths" : "does not have as many lines as \(second.path)")
    }
}
