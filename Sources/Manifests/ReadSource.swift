import Yams

extension Source {
    /// Flickr moved its photos; the lists of SBU still have the old addresses.
    private static let movedPhotos = [
        Rewrite(prefix: "http://static.flickr.com/", replacement: "https://live.staticflickr.com/")
    ]

    init(_ reader: MappingReader) throws(ManifestError) {
        name = try reader.string(reader.required("name", "add it: the first part of every key"), "name")
        guard isPlainName(name) else { throw reader.fault(.invalid, "name", plainNameHint) }
        let format: Format = try reader.choice("format", default: nil)
        self.format = format
        paths = try reader.strings(
            reader.required("path", "add it: a file, a glob, or a list of files"), "path",
            want: "a file, a glob, or a list of files")
        limit = try reader.optionalInt("limit", in: 1...Int.max)
        captions = try reader.choice("captions", default: .bootstrap)
        imageRoots =
            try reader.node("image_root").map { node throws(ManifestError) in
                try reader.strings(node, "image_root", want: "a folder, a zip archive, or a list of them")
            } ?? []
        let encoding: Encoding = format.isText ? try reader.choice("encoding", default: .utf8) : .utf8
        self.encoding = encoding == .utf8 ? nil : encoding
        followLinks = try reader.bool("follow_links", default: false)
        let table = format == .csv ? try TextTable(reader) : nil
        self.table = table
        let hasColumns = [.csv, .parquet, .jsonl].contains(format)
        columns = hasColumns ? try Columns(reader, hasNames: table?.header ?? true) : nil
        splits =
            format == .coco
            ? try reader.node("splits").map { node throws(ManifestError) in
                try reader.strings(node, "splits", want: "names such as train and restval")
            } ?? ["train", "restval"] : nil
        rewrites = try Self.rewrites(reader) ?? (format == .sbu ? Self.movedPhotos : [])
        filter = try RowFilter(section("filter", of: reader))
        try reader.finish()
        try checkFilter(reader)
        try checkPlaces(reader)
    }

    /// Where images lie in the list, nothing else can say where they are.
    private func checkPlaces(_ reader: MappingReader) throws(ManifestError) {
        guard format.holdsImages else { return }
        let given = [
            ("image_root", !imageRoots.isEmpty), ("follow_links", followLinks), ("rewrite", !rewrites.isEmpty),
        ]
        for (key, isGiven) in given where isGiven {
            throw reader.fault(.invalid, key, "remove it: \(format) holds its images, and none is looked for elsewhere")
        }
    }

    /// A filter that no row could fail would be ignored in silence: every key of it needs a column that it judges by.
    private func checkFilter(_ reader: MappingReader) throws(ManifestError) {
        for (key, facts) in filter.needs {
            switch format {
            case .csv, .parquet, .jsonl:
                guard let missing = facts.first(where: { columns?.facts?[$0] == nil }) else { continue }
                throw reader.fault(
                    .invalid, "filter", "\(key) needs \(missing)_column, which names the column that it judges by")
            case .cc3m, .cc12m, .sbu:
                throw reader.fault(
                    .invalid, "filter",
                    "lists of \(format) do not say what \(key) judges by; they can be filtered by caption length only")
            case .coco, .vg, .laion, .webdataset, .shards: continue  // what their lists say is seen when they are read
            }
        }
    }

    private static func rewrites(_ reader: MappingReader) throws(ManifestError) -> [Rewrite]? {
        guard let node = reader.node("rewrite") else { return nil }
        guard case .sequence(let list) = node else {
            throw reader.fault(.wrongType, "rewrite", "want a list of {prefix: ..., replacement: ...}")
        }
        var rewrites: [Rewrite] = []
        for (index, node) in list.enumerated() {
            let item = try MappingReader(node, path: reader.full("rewrite") + "[\(index)]")
            let prefix = try item.string(item.required("prefix", "what URLs begin with"), "prefix")
            let replacement = try item.string(
                item.required("replacement", "what they are to begin with"), "replacement")
            guard !prefix.isEmpty else { throw item.fault(.invalid, "prefix", "want what URLs begin with") }
            try item.finish()
            rewrites.append(Rewrite(prefix: prefix, replacement: replacement))
        }
        return rewrites
    }
}

extension Source.Format {
    /// Whether the lists are text, which has an encoding.
    package var isText: Bool { self != .parquet && !holdsImages }

    /// Whether the images are in the list itself, so that nothing is fetched.
    package var holdsImages: Bool { self == .webdataset || self == .shards }
}

extension TextTable {
    init(_ reader: MappingReader) throws(ManifestError) {
        header = try reader.bool("header", default: true)
        delimiter = try reader.string("delimiter", default: ",")
        guard delimiter.utf8.count == 1, delimiter != "\"" else {
            throw reader.fault(
                .invalid, "delimiter", "want one ASCII character other than a quote, such as \",\" or \"\\t\"")
        }
        quoting = try reader.choice("quoting", default: .rfc4180)
        escape = try reader.optionalString("escape")
        guard let escape else { return }
        guard escape.utf8.count == 1, escape != "\"", escape != delimiter, quoting == .rfc4180 else {
            throw reader.fault(
                .invalid, "escape", "want one ASCII character such as \"\\\\\", with quoting: rfc4180")
        }
    }
}

extension Columns {
    /// `hasNames` says whether columns have names; otherwise they have numbers.
    init(_ reader: MappingReader, hasNames: Bool) throws(ManifestError) {
        func given(_ key: String) throws(ManifestError) -> String? {
            guard let node = reader.node(key) else { return nil }
            let name = try reader.columnName(node, key)
            guard hasNames || Int(name) != nil else {
                throw reader.fault(.invalid, key, "want a column number from 0, because header is false")
            }
            return name
        }
        url = try given("url_column") ?? (hasNames ? "url" : "0")
        caption = try given("caption_column") ?? (hasNames ? "caption" : "1")
        id = try given("id_column")
        let facts = FactColumns(
            width: try given("width_column"), height: try given("height_column"),
            similarity: try given("similarity_column"), nsfw: try given("nsfw_column"),
            unsafe: try given("unsafe_column"), watermark: try given("watermark_column"),
            aesthetic: try given("aesthetic_column"), language: try given("language_column"),
            md5: try given("md5_column"), sha256: try given("sha256_column"))
        self.facts = facts.names.isEmpty ? nil : facts
    }
}

extension RowFilter {
    init(_ reader: MappingReader) throws(ManifestError) {
        func share(_ key: String) throws(ManifestError) -> Double? {
            reader.node(key) == nil
                ? nil : try reader.double(key, default: 1, want: "0 to 1") { (0...1).contains($0) }
        }
        func number(_ key: String) throws(ManifestError) -> Double? {
            reader.node(key) == nil ? nil : try reader.double(key, default: 0, want: "any") { _ in true }
        }
        func words(_ key: String) throws(ManifestError) -> [String] {
            guard let node = reader.node(key) else { return [] }
            return try reader.strings(node, key, want: "a word or a list of words", mayBeEmpty: true)
        }
        minSide = try reader.int("min_side", default: 0, in: 0...1_000_000)
        minSimilarity = try number("min_similarity")
        nsfw = try words("nsfw")
        maxUnsafe = try share("max_unsafe")
        maxWatermark = try share("max_watermark")
        minAesthetic = try number("min_aesthetic")
        languages = try words("languages")
        minCaptionLength = try reader.int("min_caption_length", default: 0, in: 0...1_000_000)
        maxCaptionLength = try reader.int("max_caption_length", default: 0, in: 0...1_000_000)
        try reader.finish()
    }
}
