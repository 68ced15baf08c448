import Yams

extension PhaseOneSettings {
    package init(yaml: String) throws(ManifestError) {
        let root = try RunSettings.root(of: yaml)
        run = try RunSettings(root, stage: 1, command: "train stage1", labelSmoothing: 0.1)
        start = try Start(section("start", of: root))
        qformer = try QFormer(section("qformer", of: root), start)
        try root.finish()
        if let positions = qformer.positions, positions < run.captions.maxTokens {
            throw try section("captions", of: root).fault(
                .invalid, "max_tokens",
                "want at most qformer.positions, \(positions), not \(run.captions.maxTokens)")
        }
    }
}

extension PhaseOneSettings.Start {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        from = try reader.string(
            reader.required("from", "add it: a BERT, a phase-1 model, or scratch"), "from")
        guard !from.isEmpty else { throw reader.fault(.invalid, "from", "want a BERT, a phase-1 model, or scratch") }
        head = try reader.optionalString("head")
        tokenizer = try reader.optionalString("tokenizer")
        try reader.finish()
        guard isScratch else { return }
        guard head == nil else {
            throw reader.fault(.invalid, "head", "not with from: scratch, which draws the head too")
        }
        guard tokenizer != nil else {
            throw reader.fault(
                .missingKey, "tokenizer", "add it: from: scratch has no vocabulary; name a model whose own is used")
        }
    }
}

extension PhaseOneSettings.QFormer {
    fileprivate init(_ reader: MappingReader, _ start: PhaseOneSettings.Start) throws(ManifestError) {
        queries = try reader.optionalInt("queries", in: 1...4096)
        jointWidth = try reader.optionalInt("joint_width", in: 1...65_536)
        crossAttentionFrequency = try reader.optionalInt("cross_attention_frequency", in: 1...1000)
        layers = try reader.optionalInt("layers", in: 1...1000)
        width = try reader.optionalInt("width", in: 1...65_536)
        heads = try reader.optionalInt("heads", in: 1...1024)
        innerWidth = try reader.optionalInt("inner_width", in: 1...1_048_576)
        positions = try reader.optionalInt("positions", in: 3...65_536)
        dropout = try reader.double("dropout", default: 0.1, want: "at least 0 and below 1") { (0..<1).contains($0) }
        try reader.finish()
        guard start.isScratch else {
            let sizes = [
                ("layers", layers), ("width", width), ("heads", heads), ("inner_width", innerWidth),
                ("positions", positions),
            ]
            guard let (key, _) = sizes.first(where: { $1 != nil }) else { return }
            throw reader.fault(
                .invalid, key, "only with start.from: scratch; \(start.from) has its own sizes")
        }
        layers = layers ?? 12
        heads = heads ?? 12
        width = width ?? 768
        innerWidth = innerWidth ?? 4 * (width ?? 0)
        positions = positions ?? 512
        fillPaperSizes()
        guard (width ?? 0) % (heads ?? 1) == 0 else {
            throw reader.fault(.invalid, "heads", "want a divisor of width, \(width ?? 0), not \(heads ?? 0)")
        }
    }

    /// Gives sizes that a BERT does not have, where they are nil, the paper's values.
    package mutating func fillPaperSizes() {
        queries = queries ?? 32
        jointWidth = jointWidth ?? 256
        crossAttentionFrequency = crossAttentionFrequency ?? 2
    }
}
