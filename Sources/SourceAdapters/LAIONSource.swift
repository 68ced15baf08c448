import Manifests
import Samples
import Tables

/// LAION's lists: the Parquet parts of 400M, 2B and Re-LAION, whose columns differ in name and type from copy to copy, and
/// BLIP's JSON arrays of 100 million objects.
///
/// `SAMPLE_ID` is never read: copies hold it as a floating point number, which cannot tell all rows apart.
/// Source: laion.ai's released metadata; salesforce/BLIP's lists of LAION 115M.
package struct LAIONSource: ListSource {
    package let name: String
    let imageRoots: [String]
    private let paths: [String]
    var fileCount: Int { paths.count }

    /// The rows of `paths`, in that order.
    package init(name: String, paths: [String], imageRoots: [String] = []) {
        (self.name, self.paths, self.imageRoots) = (name, paths, imageRoots)
    }

    func examine(file: Int) throws(SourceError) -> HeadRows {
        guard paths[file].hasSuffix(".json") else { return HeadRows() }
        try refuseForeign(paths[file], wanted: "JSON")
        return try HeadRows(cursor(file: file, at: nil))
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        let path = paths[file]
        if path.hasSuffix(".json") {
            return RecordCursor(file: file, reader: try elements(of: path, at: position?.offset)) { bytes in
                guard let object = JSONFields(bytes) else { return ListedFields(fault: "not a JSON object") }
                return ListedFields(object, Columns(knownAmong: object.keys))
            }
        }
        return try ParquetCursor(file, path, at: position?.offset ?? 0) { Columns(knownAmong: $0) }
    }
}

extension Columns {
    private static let urls = ["URL", "url"]
    private static let captions = ["TEXT", "text", "caption", "CAPTION"]

    /// Those of the names that LAION's lists have for each column that are among `names`.
    init(knownAmong names: [String]) {
        self.init(
            url: Self.urls.first(where: names.contains) ?? Self.urls[0],
            caption: Self.captions.first(where: names.contains) ?? Self.captions[0],
            facts: FactColumns(knownAmong: names))
    }
}

extension FactColumns {
    /// The same for what LAION's lists, and img2dataset after them, say of an image.
    init(knownAmong names: [String]) {
        func column(_ candidates: String...) -> String? { candidates.first(where: names.contains) }
        self.init(
            width: column("WIDTH", "width"), height: column("HEIGHT", "height"),
            similarity: column("similarity", "SIMILARITY"), nsfw: column("NSFW", "nsfw"),
            unsafe: column("punsafe", "PUNSAFE"), watermark: column("pwatermark", "PWATERMARK"),
            aesthetic: column("aesthetic", "AESTHETIC_SCORE", "AESTHETIC"),
            language: column("LANGUAGE", "language"), md5: column("md5", "MD5"), sha256: column("sha256", "SHA256"))
    }
}
