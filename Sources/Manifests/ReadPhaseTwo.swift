import Yams

extension PhaseTwoSettings {
    package init(yaml: String) throws(ManifestError) {
        let root = try RunSettings.root(of: yaml)
        run = try RunSettings(root, stage: 2, command: "train stage2", labelSmoothing: 0)
        start = try Start(section("start", of: root))
        languageModel = try LanguageModel(section("language_model", of: root))
        qformer = try QFormer(section("qformer", of: root))
        try root.finish()
        guard run.losses.labelSmoothing == 0 else {
            throw try section("losses", of: root).fault(
                .invalid, "label_smoothing", "want 0: phase 2 has none, not \(run.losses.labelSmoothing)")
        }
    }
}

extension PhaseTwoSettings.Start {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        from = try reader.string(
            reader.required("from", "add it: the folder or hub id of a trained phase-1 model"), "from")
        guard !from.isEmpty, from != PhaseOneSettings.Start.scratch else {
            throw reader.fault(.invalid, "from", "want a trained phase-1 model: phase 2 does not begin without one")
        }
        try reader.finish()
    }
}

extension PhaseTwoSettings.LanguageModel {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        model = try reader.string(
            reader.required("model", "add it: the folder or hub id of an OPT or T5 model"), "model")
        precision = try reader.choice("precision", default: .auto)
        guard precision != .int8 else {
            throw reader.fault(
                .invalid, "precision", "want one of auto, float32, bfloat16, float16: no gradients pass through int8")
        }
        split = try reader.choice("split", default: .prefix)
        splitAfter =
            try reader.node("split_after").map { node throws(ManifestError) in
                try reader.strings(
                    node, "split_after",
                    want: "what a question ends with, such as \"Answer:\", or a list of such texts", mayBeEmpty: true)
            } ?? []
        recompute = try reader.bool("recompute", default: false)
        try reader.finish()
    }
}

extension PhaseTwoSettings.QFormer {
    init(_ reader: MappingReader) throws(ManifestError) {
        dropout = try reader.double("dropout", default: 0.1, want: "at least 0 and below 1") { (0..<1).contains($0) }
        try reader.finish()
    }
}
