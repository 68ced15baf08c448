import Foundation
import Samples

/// A source whose records must be brought together before they are rows: a row is an image, with all that is said of it.
///
/// The files are read once to find which records belong to which image, and once more record by record.
protocol IndexedSource: ListSource {
    var paths: [String] { get }
    var index: SharedIndex { get }
    /// Goes through the files, and says which image each record belongs to.
    func makeIndex() throws(SourceError) -> ImageIndex
    /// Adds what `record` says to the row of its image.
    func add(_ record: JSONFields, to row: inout ListedFields) throws(ValueFault)
}

extension IndexedSource {
    var origin: CaptionOrigin { .human }
    var fileCount: Int { 1 }

    package func prepare() throws(SourceError) { _ = try index.get(makeIndex) }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        let index = try index.get(makeIndex)
        let files = RecordFiles(paths)
        return IndexCursor(paths[0], index, at: position?.offset ?? 0) { (places) throws(SourceError) in
            var row = ListedFields()
            for place in places {
                guard let record = JSONFields(try files.bytes(place)) else {
                    throw SourceError(.changed, paths[Int(place.file)], "byte \(place.offset): the record has changed")
                }
                do throws(ValueFault) {
                    try add(record, to: &row)
                } catch {
                    row.fault = row.fault ?? error.text
                }
            }
            var seen: Set<String> = []
            row.captions = row.captions.filter { seen.insert($0).inserted }  // the same sentence twice is one
            if row.url.isEmpty, row.path == nil { row.fault = row.fault ?? "nothing says where its image is" }
            return row
        }
    }

    /// Adds the records of `reader` to the images that `image` names; nil passes over a record.
    ///
    /// With `names` a record makes an image that is not there yet; without, it belongs to one or is passed over. One that
    /// names no image is a row of its own, and a bad one: nobody knows which of the others it belongs to.
    func addRecords(
        of reader: any RecordReader, file: Int, to index: inout ImageIndex, names: Bool = true,
        image: (JSONFields) throws(ValueFault) -> String?
    ) throws(SourceError) {
        while true {
            let offset = reader.offset
            guard let record = try reader.next() else { return }
            guard case .text(let bytes) = record, let fields = JSONFields(bytes) else {
                throw SourceError(.malformed, reader.path, "byte \(offset): not a JSON object")
            }
            let place = ImageIndex.Place(offset: offset, byteCount: UInt32(bytes.count), file: UInt32(file))
            do throws(ValueFault) {
                guard let image = try image(fields) else { continue }
                index.add(
                    place, to: image.isEmpty ? "\0\(file):\(offset)" : image, names: names || image.isEmpty)
            } catch {
                throw SourceError(.malformed, reader.path, "byte \(offset): \(error.text)")
            }
        }
    }
}

/// Reads records of some files whose places are known; each file is opened once.
private final class RecordFiles {
    private let paths: [String]
    private var handles: [UInt32: FileHandle] = [:]

    init(_ paths: [String]) { self.paths = paths }

    func bytes(_ place: ImageIndex.Place) throws(SourceError) -> [UInt8] {
        let path = paths[Int(place.file)]
        do {
            let handle = try handles[place.file] ?? openList(path)
            handles[place.file] = handle
            try handle.seek(toOffset: UInt64(place.offset))
            return Array(try handle.read(upToCount: Int(place.byteCount)) ?? Data())
        } catch let error as SourceError {
            throw error
        } catch {
            throw SourceError(.unreadable, path, error.localizedDescription)
        }
    }
}
