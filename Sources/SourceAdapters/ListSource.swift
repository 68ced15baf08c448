import Manifests
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
    /// So many rows at the beginning say what the lists know of an image.
    var headRows: Int { get }
    /// Refuses file number `file` where it is of another kind than is meant; a bounded part of it is looked at.
    ///
    /// Gives what its first rows are like, where they are cheap to read.
    func examine(file: Int) throws(SourceError) -> HeadRows
    /// What may be the matter with the file `path`, whose rows cannot be read, to be put behind the fault.
    func likelyCause(_ path: String) throws(SourceError) -> String
    /// A cursor at the first row of file number `file`, or at `position`, where a cursor of that file once stood.
    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor
}

/// Goes over the rows of one file.
protocol ListCursor: AnyObject {
    /// The file, for messages.
    var path: String { get }
    /// Where the next row is.
    var position: InputPosition { get }
    /// The same for messages.
    var place: ListPlace { get }
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
    /// The captions where the list says who wrote each.
    var signedCaptions: [Caption]?
    var sourceID = ""
    var facts = RowFacts()
    var earlier: EarlierFetch?
    /// The facts for which the list has a place, whether or not the row says something there.
    var known: Set<Fact> = []
    /// Why the record is not a row; nil when it is one.
    var fault: String?
}

extension ListSource {
    var origin: CaptionOrigin { .web }
    var headRows: Int { 1000 }

    func examine(file: Int) throws(SourceError) -> HeadRows { HeadRows() }
    func likelyCause(_ path: String) throws(SourceError) -> String { "" }

    /// Refuses file number `file` where it is wrong as a whole, and adds its first rows to `rows`.
    private func examine(file: Int, _ rows: inout HeadRows) throws(SourceError) {
        let head = try examine(file: file)
        // The few rows of a small file say little: they are judged together with those of the other files.
        if head.isFull { try judge(head) }
        rows.add(head)
    }

    private func judge(_ rows: HeadRows) throws(SourceError) {
        guard let (path, fault) = rows.verdict else { return }
        throw SourceError(.malformed, path, fault + (try likelyCause(path)))
    }

    package func check(_ filter: RowFilter, digests: Bool) throws(SourceError) {
        var missing = filter.needs.map { (key: "filter.\($0.key)", anyOf: [$0.facts]) }
        if digests { missing.append((key: "fetch.verify_digests", anyOf: [[.md5], [.sha256]])) }
        var (file, count, rows) = (0, 0, HeadRows())
        while !missing.isEmpty, file < fileCount, count < headRows {
            try examine(file: file, &rows)
            let cursor = try cursor(file: file, at: nil)
            while !missing.isEmpty, count < headRows, let row = try cursor.next() {
                missing.removeAll { $0.anyOf.contains { row.known.isSuperset(of: $0) } }
                count += 1
            }
            file += 1
        }
        guard let (key, facts) = missing.first, count > 0 else { return }
        try judge(rows)
        let names = facts.map { $0.map(\.rawValue).joined(separator: " and ") }.joined(separator: " or ")
        throw SourceError(
            .malformed, name,
            "none of the first \(count) rows has \(names), so \(key) would have no effect: remove it")
    }

    package func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {
        var (firstRow, rowCount, start) = (0, 0, InputPosition(file: 0, offset: 0))
        var left = limit ?? .max
        var rows = HeadRows()
        for file in 0..<fileCount where left > 0 {
            try examine(file: file, &rows)
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
        try judge(rows)
        if firstRow + rowCount == 0 { throw SourceError(.malformed, name, "the list has no rows") }
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
        var place = cursor.place
        var fields = try cursor.next()
        while fields == nil {
            file += 1
            // Where the unit starts there was a row, so a file that ends there was cut, whatever follows it.
            guard done > 0, file < list.fileCount else {
                throw SourceError(.changed, cursor.path, "shorter than when it was planned")
            }
            cursor = try list.cursor(file: file, at: nil)
            place = cursor.place
            fields = try cursor.next()
        }
        let id = SampleID(source: list.name, row: unit.firstRow + done)
        done += 1
        return row(id, fields ?? ListedFields(), at: place)
    }

    private func row(_ id: SampleID, _ fields: ListedFields, at place: ListPlace) -> ListedRow {
        let isStored = !list.imageRoots.isEmpty
        let url = isStored ? fields.path ?? fields.url : fields.url
        if let fault = fields.fault ?? fault(in: url, hasImage: fields.image != nil) {
            let name = cursor.path.split(separator: "/").last ?? ""
            let rejection = Rejection(.badRow, "\(name), \(place): \(fault)")
            return ListedRow(id: id, url: url, outcome: .rejected(rejection))
        }
        let captions =
            fields.signedCaptions
            ?? fields.captions.filter { !$0.isEmpty }.map { Caption(text: $0, origin: list.origin) }
        let location = fields.image ?? (isStored ? .stored(url, in: list.imageRoots) : .url(url))
        let row = SourceRow(
            id: id, sourceID: fields.sourceID, location: location, captions: captions, facts: fields.facts,
            earlier: fields.earlier)
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

/// Where a row stands in its file, as a person is told.
struct ListPlace: CustomStringConvertible {
    /// What the number counts.
    let unit: String
    let number: Int

    var description: String { "\(unit) \(number)" }
}

extension ListCursor {
    /// Where the next row is, for messages.
    var place: ListPlace { ListPlace(unit: "byte", number: position.offset) }
}

/// Whether `path` may lead out of the folder that it is relative to.
func leavesRoot(_ path: String) -> Bool {
    path.hasPrefix("/") || path.split(separator: "/").contains("..")
}
