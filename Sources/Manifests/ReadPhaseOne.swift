import Foundation
import Yams

extension PhaseOneSettings {
    /// Reads the file `path`; paths in it stay as they are written.
    package init(contentsOfFile path: String) throws(ManifestError) { try self.init(yaml: yamlText(ofFile: path)) }

    /// Reads the settings from YAML text; paths stay as they are written.
    package init(yaml: String) throws(ManifestError) {
        guard let node = try composed(yaml) else {
            throw ManifestError(code: .syntax, line: nil, keyPath: "", hint: "the file is empty")
        }
        let root = try MappingReader(node, path: "")
        version = try root.int(root.required("version", "add it: version: 1"), "version", in: 1...1)
        stage = try root.int(root.required("stage", "add it: stage: 1"), "stage", in: 1...2)
        guard stage == 1 else { throw root.fault(.invalid, "stage", "want 1: this file is read by train stage1") }
        seed = UInt64(try root.int("seed", default: 42, in: 0...Int.max))
        output = try root.string("output", default: "")
        imageEncoder = try ImageEncoder(section("image_encoder", of: root))
        start = try Start(section("start", of: root))
        qformer = try QFormer(section("qformer", of: root), start)
        images = try Images(section("images", of: root))
        let captionReader = try section("captions", of: root)
        captions = try Captions(captionReader)
        data = try Data(section("data", of: root), images)
        losses = try Losses(section("losses", of: root))
        let trainingReader = try section("training", of: root)
        training = try Training(trainingReader)
        checkpoints = try Checkpoints(section("checkpoints", of: root))
        validation = try root.node("validation").map { node throws(ManifestError) in
            try Validation(MappingReader(node, path: "validation"))
        }
        processes = try root.optionalInt("processes", in: 1...4096)
        device = try root.string("device", default: "auto")
        guard WorkerProfile.isDevice(device) else {
            throw root.fault(.invalid, "device", "want auto, cpu or cuda:N")
        }
        threads = try root.int("threads", default: 0, in: 0...4096)
        try root.finish()
        if let batchProblem { throw trainingReader.fault(.invalid, "batch_size", batchProblem) }
        if let positions = qformer.positions, positions < captions.maxTokens {
            throw captionReader.fault(
                .invalid, "max_tokens", "want at most qformer.positions, \(positions), not \(captions.maxTokens)")
        }
    }

    /// Why a batch cannot be divided; nil where it can.
    package var batchProblem: String? {
        let processes = processes ?? 1
        let parts = training.accumulate * processes
        guard training.batchSize < parts else { return nil }
        return "want at least \(parts), a sample for each of \(training.accumulate) parts in \(processes) processes, "
            + "not \(training.batchSize)"
    }
}

extension PhaseOneSettings.ImageEncoder {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        model = try reader.string(
            reader.required("model", "add it: the folder or hub id of a CLIP or BLIP-2 model"), "model")
        precision = try reader.choice("precision", default: .auto)
        try reader.finish()
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

extension PhaseOneSettings.Captions {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        use = try reader.choice("use", default: .kept)
        clean = try reader.choice("clean", default: .blip)
        prompt = try reader.string("prompt", default: "")
        maxTokens = try reader.int("max_tokens", default: 32, in: 3...65_536)
        try reader.finish()
    }
}

extension PhaseOneSettings.Losses {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        labelSmoothing = try reader.double("label_smoothing", default: 0.1, want: "at least 0 and below 1") {
            (0..<1).contains($0)
        }
        textMean = try reader.choice("text_mean", default: .global)
        try reader.finish()
    }
}

extension PhaseOneSettings.Checkpoints {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        every = try reader.int("every", default: 1000, in: 1...Int.max)
        keep = try reader.int("keep", default: 2, in: 1...1_000_000)
        keepEvery = try reader.int("keep_every", default: 0, in: 0...Int.max)
        guard keepEvery % every == 0 else {
            throw reader.fault(.invalid, "keep_every", "want 0 (off) or a multiple of every, \(every)")
        }
        saveAs = try reader.choice("save_as", default: .float32)
        guard [.float32, .bfloat16, .float16].contains(saveAs) else {
            throw reader.fault(.invalid, "save_as", "want one of float32, bfloat16, float16")
        }
        try reader.finish()
    }
}

extension PhaseOneSettings.Validation {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        paths = try reader.strings(
            reader.required("path", "add it: a data set that is not trained on, or a list of them"), "path",
            want: "a data set that is not trained on, or a list of them")
        samples = try reader.int("samples", default: 1000, in: 2...10_000_000)
        every = try reader.int("every", default: 1000, in: 1...Int.max)
        try reader.finish()
    }
}
