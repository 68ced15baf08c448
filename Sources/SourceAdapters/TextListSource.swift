import Samples

/// What one record of a list says, before it has a number.
struct ListedFields {
    var url = ""
    /// The captions; empty ones are none.
    var captions: [String] = []
    var sourceID = ""
    /// Why the record is no row; nil when it is one.
    var fault: String?
}

/// A list of text files with one record a row, read in file order; what a record means is the adapter's.
protocol TextListSource: SourceAdapter {
    var name: String { get }
    var paths: [String] { get }
    /// The byte between fields that may be in quotes, which hide it and line ends; nil where quotes are data.
    var quotedDelimiter: UInt8? { get }
    /// Whether the first record of each file is a header.
    var hasHeader: Bool { get }
    /// The folder that image paths are relative to; nil where the list holds URLs.
    var imageRoot: String? { get }
    /// Reads the header of `path` and gives the meaning of a record's bytes.
    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields
}

extension TextListSource {
    package func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {
        var (firstRow, rowCount, start) = (0, 0, InputPosition(file: 0, offset: 0))
        var left = limit ?? .max
        for (file, path) in paths.enumerated() where left > 0 {
            _ = try meaning(of: path)  // a bad header ends planning, not the first unit
            let reader = try LineReader(path, quotedBy: quotedDelimiter)
            if hasHeader { _ = try reader.skip() }
            var offset = reader.offset
            while left > 0, try reader.skip() {
                if rowCount == 0 { start = InputPosition(file: file, offset: offset) }
                offset = reader.offset
                rowCount += 1
                left -= 1
                guard rowCount == unitRows else { continue }
                try emit(PlannedRange(firstRow: firstRow, rowCount: rowCount, start: start))
                (firstRow, rowCount) = (firstRow + rowCount, 0)
            }
        }
        guard rowCount > 0 else { return }
        try emit(PlannedRange(firstRow: firstRow, rowCount: rowCount, start: start))
    }

    package func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader {
        try TextRowReader(self, unit)
    }
}

/// Reads the rows of one unit over the ends of files.
private struct TextRowReader<List: TextListSource>: RowReader {
    private let list: List
    private let firstRow: Int
    private let rowCount: Int
    private var file: Int
    private var lines: LineReader
    private var meaning: @Sendable ([UInt8]) -> ListedFields
    private var done = 0

    init(_ list: List, _ unit: WorkUnit) throws(SourceError) {
        guard list.paths.indices.contains(unit.start.file) else {
            throw SourceError(.changed, list.paths.first ?? list.name, "the list has fewer files than were planned")
        }
        self.list = list
        (firstRow, rowCount, file) = (unit.firstRow, unit.rowCount, unit.start.file)
        meaning = try list.meaning(of: list.paths[file])
        lines = try LineReader(list.paths[file], at: unit.start.offset, quotedBy: list.quotedDelimiter)
    }

    mutating func next() throws(SourceError) -> ListedRow? {
        guard done < rowCount else { return nil }
        let (record, offset) = try nextRecord()
        let id = SampleID(source: list.name, row: firstRow + done)
        done += 1
        let fields =
            switch record {
            case .text(let bytes): meaning(bytes)
            case .tooLong: ListedFields(fault: "longer than \(LineReader.byteLimit) bytes")
            }
        return row(id, fields, at: offset)
    }

    /// The next record and its offset in `lines`, which may be of the next file then.
    private mutating func nextRecord() throws(SourceError) -> (LineReader.Record, offset: Int) {
        while true {
            let offset = lines.offset
            if let record = try lines.next() { return (record, offset) }
            file += 1
            // Where the unit starts there was a record, so a file that ends there was cut, whatever follows it.
            guard done > 0, list.paths.indices.contains(file) else {
                throw SourceError(.changed, lines.path, "shorter than when it was planned")
            }
            meaning = try list.meaning(of: list.paths[file])
            lines = try LineReader(list.paths[file], quotedBy: list.quotedDelimiter)
            if list.hasHeader { _ = try lines.skip() }
        }
    }

    private func row(_ id: SampleID, _ fields: ListedFields, at offset: Int) -> ListedRow {
        if let fault = fields.fault ?? fault(in: fields.url) {
            let name = lines.path.split(separator: "/").last ?? ""
            let rejection = Rejection(.badRow, "\(name), byte \(offset): \(fault)")
            return ListedRow(id: id, url: fields.url, outcome: .rejected(rejection))
        }
        let captions = fields.captions.filter { !$0.isEmpty }.map { Caption(text: $0, origin: .web) }
        let location = list.imageRoot.map { ImageLocation.file($0 + "/" + fields.url) } ?? .url(fields.url)
        let row = SourceRow(id: id, sourceID: fields.sourceID, location: location, captions: captions)
        return ListedRow(id: id, url: fields.url, outcome: .kept(row))
    }

    /// What is wrong with a URL or path as such; nil when nothing is.
    private func fault(in url: String) -> String? {
        if url.isEmpty { return "no URL" }
        // Lists come from elsewhere: they choose files in the folder that the manifest names, and no others.
        guard list.imageRoot != nil else { return nil }
        let leavesRoot = url.hasPrefix("/") || url.split(separator: "/").contains("..")
        return leavesRoot ? "a path that leaves image_root" : nil
    }
}
