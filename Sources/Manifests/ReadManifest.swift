import Yams

extension Manifest {
    /// Reads the file `path`; paths in it stay as they are written.
    package init(contentsOfFile path: String) throws(ManifestError) { try self.init(yaml: yamlText(ofFile: path)) }

    /// Reads a manifest from YAML text; paths stay as they are written.
    package init(yaml: String) throws(ManifestError) {
        let node = try composed(yaml)
        guard let node else {
            throw ManifestError(code: .syntax, line: nil, keyPath: "", hint: "the file is empty")
        }
        try self.init(MappingReader(node, path: ""))
    }

    /// A source whose list could give digests must say where: otherwise its images would pass unchecked, and nobody would know.
    private static func checkDigests(_ sources: [Source]) throws(ManifestError) {
        func fault(_ hint: String) -> ManifestError {
            ManifestError(code: .invalid, line: nil, keyPath: "fetch.verify_digests", hint: hint)
        }
        if let source = sources.first(where: { $0.columns != nil && !$0.hasDigests }) {
            throw fault(
                "source \(source.name) gives no digests: name the column that has them with md5_column or sha256_column, "
                    + "or build it with a manifest of its own")
        }
        guard sources.contains(where: \.hasDigests) else { throw fault("no source gives digests: remove it") }
    }

    private init(_ root: MappingReader) throws(ManifestError) {
        let version = try root.int(root.required("version", "add it: version: 1"), "version", in: 1...1)
        let name = try root.string(root.required("name", "add it: a name for the data set"), "name")
        guard isPlainName(name) else { throw root.fault(.invalid, "name", plainNameHint) }
        let seed = try root.int("seed", default: 0, in: 0...Int.max)
        let output = try root.string("output", default: "")
        let shard = try Shard(section("shard", of: root))
        let image = try Image(section("image", of: root))
        let fetch = try Fetch(section("fetch", of: root))
        let deduplicate = try Deduplicate(section("deduplicate", of: root))
        let exclude = try Exclude(section("exclude", of: root))
        let caption = try Caption(section("caption", of: root))
        let rank = try Rank(section("rank", of: root), candidates: caption.count)
        let precision: Precision = try root.choice("precision", default: .auto)
        let sources = try readSources(root)
        try root.finish()
        if fetch.verifyDigests { try Self.checkDigests(sources) }
        self.init(
            version: version, name: name, seed: UInt64(seed), output: output, shard: shard, image: image, fetch: fetch,
            deduplicate: deduplicate, exclude: exclude, caption: caption, rank: rank, precision: precision,
            sources: sources)
    }
}

/// The section `key` of `parent`; an empty one where it is absent, so that every default applies.
func section(_ key: String, of parent: MappingReader) throws(ManifestError) -> MappingReader {
    try MappingReader(parent.node(key) ?? Node.mapping([:]), path: parent.full(key))
}

private func readSources(_ root: MappingReader) throws(ManifestError) -> [Source] {
    let node = try root.required("sources", "add at least one source")
    guard case .sequence(let list) = node, !list.isEmpty else {
        throw root.fault(.wrongType, "sources", "want a list with at least one source")
    }
    var sources: [Source] = []
    for (index, node) in list.enumerated() {
        let reader = try MappingReader(node, path: "sources[\(index)]")
        let source = try Source(reader)
        guard !sources.contains(where: { $0.name == source.name }) else {
            throw reader.fault(.invalid, "name", "another source is called \(source.name) already")
        }
        sources.append(source)
    }
    return sources
}

let plainNameHint = "want 1 to 64 letters, digits, '-' or '_'"

/// Whether `name` can be part of keys and file names.
func isPlainName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
            let character = Unicode.Scalar(byte)
            return character.properties.isAlphabetic && byte < 128 || (48...57).contains(byte)
                || character == "-" || character == "_"
        }
}
