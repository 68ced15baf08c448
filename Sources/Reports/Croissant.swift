package import Files
import Samples
import Storage

/// A data set described in MLCommons Croissant 1.0: its files with their digests, and the columns of the tables.
///
/// The shards are listed as files; readers of Croissant know no Zstandard, so the record set is that of the tables, which
/// have a row for every row of the input. Source: <http://mlcommons.org/croissant/1.0>.
package struct Croissant {
    private let facts: DatasetFacts

    /// The description of `facts`.
    package init(_ facts: DatasetFacts) { self.facts = facts }

    /// The text of `croissant.json`, the same bytes for the same facts.
    package func json() throws -> String { try value.written() }

    /// The same, to be written shard by shard: its one shard marks the place where they go.
    package func aroundShards() throws -> ListText {
        precondition(facts.shards.count == 1, "one shard marks the place")
        return ListText(try json(), at: try Self.element(facts.shards[0]), separator: Self.separator)
    }

    private static let separator = ",\n    "

    /// The text of `shard` and its table there.
    package static func element(_ shard: DatasetFacts.Shard) throws -> String {
        try files(of: shard).map { indented(String(try $0.written().dropLast()), depth: 2) }.joined(
            separator: separator)
    }

    private var value: JSONValue {
        [
            "@context": Self.context,
            "@type": "sc:Dataset",
            "conformsTo": "http://mlcommons.org/croissant/1.0",
            "name": .text(facts.name),
            "description": .text(description),
            "version": "1.0.0",
            "sdVersion": .text(facts.softwareVersion),
            "license": "The images and captions belong to their owners; see README.md.",
            "distribution": .list(files + (tables.isEmpty ? [] : [tableSet])),
            "recordSet": tables.isEmpty ? [] : [recordSet],
        ]
    }

    private var description: String {
        let made = facts.isCaptioned ? "captions made by a captioner and chosen by a ranker" : "captions as they came"
        let notice = facts.notice.map { " Note: " + CleanText.line($0) } ?? ""
        return "\(Figures.grouped(facts.sampleCount)) images from \(Figures.grouped(facts.rowCount)) rows, \(made). "
            + "Manifest \(facts.manifestDigest)." + notice
    }

    // 1. Every file, with its size and digest.
    private var files: [JSONValue] { facts.shards.flatMap(Self.files(of:)) }

    private static func files(of shard: DatasetFacts.Shard) -> [JSONValue] {
        let archive = file(DatasetLayout.shard(shard.name), "application/zstd", shard.byteCount, shard.digest.hex)
        let table = shard.table.map {
            file(DatasetLayout.table(shard.name), "application/x-parquet", $0.byteCount, $0.digest.hex)
        }
        return [archive] + (table.map { [$0] } ?? [])
    }

    private static func file(_ key: ObjectKey, _ format: String, _ byteCount: Int, _ digest: String) -> JSONValue {
        [
            "@type": "cr:FileObject", "@id": .text(key.text),
            "name": .text(String(key.text.dropFirst(DatasetLayout.shardFolder.count + 1))),
            "contentUrl": .text(key.text), "contentSize": .text("\(byteCount) B"),
            "encodingFormat": .text(format), "sha256": .text(digest),
        ]
    }

    // 2. The tables together, as a set.
    private var tables: [DatasetFacts.Shard] { facts.shards.filter { $0.table != nil } }

    private var tableSet: JSONValue {
        [
            "@type": "cr:FileSet", "@id": "tables", "name": "tables", "encodingFormat": "application/x-parquet",
            "description": "One row for every row of the input.",
            "includes": .text("\(DatasetLayout.shardFolder)/*\(DatasetLayout.tableEnding)"),
        ]
    }

    // 3. Their columns.
    private var recordSet: JSONValue {
        [
            "@type": "cr:RecordSet", "@id": "rows", "name": "rows", "key": ["@id": "rows/key"],
            "description": "One record for every row of the input, whether it became a sample or not.",
            "field": .list(Self.columns.map(Self.field)),
        ]
    }

    private static let columns: [(name: String, type: String, meaning: String)] = [
        (
            "key", "sc:Text",
            "The sample's key: the source, a dash and the row's number; its members in the shard begin with it."
        ),
        ("url", "sc:Text", "Where the image was."),
        ("caption", "sc:Text", "The best caption kept."),
        ("status", "sc:Text", "success, or why the row was left out."),
        ("error_message", "sc:Text", "The same in words; empty for a success."),
        ("width", "sc:Integer", "Pixels of the stored image."),
        ("height", "sc:Integer", "Pixels of the stored image."),
        ("original_width", "sc:Integer", "Pixels of the image as fetched."),
        ("original_height", "sc:Integer", "Pixels of the image as fetched."),
        ("sha256", "sc:Text", "The SHA-256 of the bytes as fetched."),
        ("http_status", "sc:Integer", "What the server answered."),
        ("final_url", "sc:Text", "Where redirects led to."),
        ("web_caption", "sc:Text", "The caption that came with the image."),
    ]

    private static func field(_ column: (name: String, type: String, meaning: String)) -> JSONValue {
        [
            "@type": "cr:Field", "@id": .text("rows/" + column.name), "name": .text(column.name),
            "description": .text(column.meaning), "dataType": .text(column.type),
            "source": ["fileSet": ["@id": "tables"], "extract": ["column": .text(column.name)]],
        ]
    }

    /// The context that the specification prescribes.
    private static let context: JSONValue = [
        "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
        "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": ["@id": "cr:data", "@type": "@json"], "dataType": ["@id": "cr:dataType", "@type": "@vocab"],
        "dct": "http://purl.org/dc/terms/", "equivalentProperty": "cr:equivalentProperty",
        "examples": ["@id": "cr:examples", "@type": "@json"], "extract": "cr:extract", "field": "cr:field",
        "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
        "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
        "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
        "samplingRate": "cr:samplingRate", "sc": "https://schema.org/", "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField", "transform": "cr:transform",
    ]
}
