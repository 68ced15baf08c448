import Yams

extension FinetuneSettings {
    package init(yaml: String) throws(ManifestError) {
        let root = try RunSettings.root(of: yaml)
        let task: RunSettings.Task = try root.choice("task", default: nil)
        start = try Start(section("start", of: root), task)
        run = try RunSettings(root, RunDefaults(task, of: start.from))
        run.task = task
        languageModel =
            task == .retrieval ? nil : try LanguageModel(section("language_model", of: root))
        qformer = try PhaseTwoSettings.QFormer(section("qformer", of: root))
        run.answers = task == .vqa ? try root.choice("answers", default: .all) : nil
        try root.finish()
        guard task != .retrieval else { return }
        guard run.losses.labelSmoothing == 0 else {
            throw try section("losses", of: root).fault(
                .invalid, "label_smoothing", "want 0: only retrieval has some, not \(run.losses.labelSmoothing)")
        }
        guard task == .vqa, run.captions.prompt.ranges(of: "{}").count != 1 else { return }
        throw try section("captions", of: root).fault(
            .invalid, "prompt",
            "want one {} in it, where the question stands, not \(run.captions.prompt.debugDescription)")
    }
}

extension FinetuneSettings.Start {
    fileprivate init(_ reader: MappingReader, _ task: RunSettings.Task) throws(ManifestError) {
        let phase = task == .retrieval ? 1 : 2
        from = try reader.string(
            reader.required("from", "add it: the folder or hub id of a trained phase-\(phase) model"), "from")
        guard !from.isEmpty, from != PhaseOneSettings.Start.scratch else {
            throw reader.fault(.invalid, "from", "want a trained phase-\(phase) model")
        }
        phaseOne = task == .vqa ? try reader.optionalString("phase1") : nil
        head = task == .retrieval ? try reader.optionalString("head") : nil
        tokenizer = task == .captioning ? nil : try reader.optionalString("tokenizer")
        try reader.finish()
    }
}

extension FinetuneSettings.LanguageModel {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        precision = try reader.choice("precision", default: .auto)
        guard precision != .int8 else {
            throw reader.fault(
                .invalid, "precision", "want one of auto, float32, bfloat16, float16: no gradients pass through int8")
        }
        recompute = try reader.bool("recompute", default: false)
        try reader.finish()
    }
}
