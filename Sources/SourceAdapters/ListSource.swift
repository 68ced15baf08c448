import Samples

/// A source that is a row of files, each read by a cursor; what a place in a file says is the adapter's.
protocol ListSource: SourceAdapter {
    var name: String { get }
    /// Files, or pairs of files that are read side by side.
    var fileCount: Int { get }
    /// Who wrote the captions.
    var origin: CaptionOrigin { get }
    /// Folders and zip archives that image paths are relative to; none where the images are fetched.
    var imageRoots: [String] { get }
    /// A cursor at the first row of file number `file`, or at `position`, where a cursor of that file once stood.
    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor
}

/// Goes over the rows of one file.
protocol ListCursor: AnyObject {
    /// The file, for messages.
    var path: String { get }
    /// Where the next row is.
    var position: InputPosition { get }
    /// The next row; nil at the end of the file.
    func next() throws(SourceError) -> ListedFields?
    /// Passes over `count` rows without reading them, where that can be; gives how many there were.
    func skip(_ count: Int) throws(SourceError) -> Int
}

/// What a list says in one place, before the row has a number.
struct ListedFields {
    /// The URL of the image.
    var url = ""
    /// Where the image lies below the image roots, for lists that give it; otherwise that is `url`.
    var path: String?
    /// The image itself, where the list holds it.
    var image: ImageLocation?
    /// The captions; empty ones are none.
    var captions: [String] = []
    var sourceID = ""
    var facts = RowFacts()
    /// Why the record is no row; nil when it is one.
    var fault: String?
}

extension ListSource {
    var origin: CaptionOrigin { .web }

    package func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {
        var (firstRow, rowCount, start) = (0, 0, InputPosition(file: 0, offset: 0))
        var left = limit ?? .max
        for file in 0..<fileCount where left > 0 {
            let cursor = try cursor(file: file, at: nil)  // a bad header ends planning, not the first unit
            while left > 0 {
                let position = cursor.position
                let want = min(unitRows - rowCount, left)
                let found = try cursor.skip(want)
                if rowCount == 0 { start = position }
                rowCount += found
                left -= found
                if rowCount == unitRows {
                    try emit(PlannedRange(firstRow: firstRow, rowCount: rowCount, start: start))
                    (firstRow, rowCount) = (firstRow + rowCount, 0)
                }
                if found < want { break }
            }
        }
        guard rowCount > 0 else { return }
        try emit(PlannedRange(firstRow: firstRow, rowCount: rowCount, start: start))
    }

    package func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader {
        try ListRowReader(self, unit)
    }
}

/// Reads the rows of one unit over the ends of files.
private struct ListRowReader<List: ListSource>: RowReader {
    private let list: List
    private let unit: WorkUnit
    private var file: Int
    private var cursor: any ListCursor
    private var done = 0

    init(_ list: List, _ unit: WorkUnit) throws(SourceError) {
        guard unit.start.file < list.fileCount else {
            throw SourceError(.changed, list.name, "the list has fewer files than were planned")
        }
        self.list = list
        self.unit = unit
        file = unit.start.file
        cursor = try list.cursor(file: file, at: unit.start)
    }

    mutating func next() throws(SourceError) -> ListedRow? {
        guard done < unit.rowCount else { return nil }
        var position = cursor.position
        var fields = try cursor.next()
        while fields == nil {
            file += 1
            // Where the unit starts there was a row, so a file that ends there was cut, whatever follows it.
            guard done > 0, file < list.fileCount else {
                throw SourceError(.changed, cursor.path, "shorter than when it was planned")
            }
            cursor = try list.cursor(file: file, at: nil)
            position = cursor.position
            fields = try cursor.next()
        }
        let id = SampleID(source: list.name, row: unit.firstRow + done)
        done += 1
        return row(id, fields ?? ListedFields(), at: position.offset)
    }

    private func row(_ id: SampleID, _ fields: ListedFields, at offset: Int) -> ListedRow {
        let isStored = !list.imageRoots.isEmpty
        let url = isStored ? fields.path ?? fields.url : fields.url
        if let fault = fields.fault ?? fault(in: url, hasImage: fields.image != nil) {
            let name = cursor.path.split(separator: "/").last ?? ""
            let rejection = Rejection(.badRow, "\(name), \(cursor.unitOfOffset) \(offset): \(fault)")
            return ListedRow(id: id, url: url, outcome: .rejected(rejection))
        }
        let captions = fields.captions.filter { !$0.isEmpty }.map { Caption(text: $0, origin: list.origin) }
        let location = fields.image ?? (isStored ? .stored(url, in: list.imageRoots) : .url(url))
        let row = SourceRow(
            id: id, sourceID: fields.sourceID, location: location, captions: captions, facts: fields.facts)
        return ListedRow(id: id, url: url, outcome: .kept(row))
    }

    /// What is wrong with a URL or path as such; nil when nothing is.
    private func fault(in url: String, hasImage: Bool) -> String? {
        if hasImage { return nil }
        if url.isEmpty { return list.imageRoots.isEmpty ? "no URL" : "no path of an image" }
        // Lists come from elsewhere: they choose files in the folders that the manifest names, and no others.
        guard !list.imageRoots.isEmpty else { return nil }
        return leavesRoot(url) ? "a path that leaves image_root" : nil
    }
}

extension ListCursor {
    /// What the offset of a position counts, for messages.
    var unitOfOffset: String { "byte" }
}

/// Whether `path` may lead out of the folder that it is relative to.
func leavesRoot(_ path: String) -> Bool {
    path.hasPrefix("/") || path.split(separator: "/").contains("..")
}
