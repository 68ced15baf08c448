import Yams

extension RunSettings {
    /// The mapping that the file of a training is.
    static func root(of yaml: String) throws(ManifestError) -> MappingReader {
        guard let node = try composed(yaml) else {
            throw ManifestError(code: .syntax, line: nil, keyPath: "", hint: "the file is empty")
        }
        return try MappingReader(node, path: "")
    }

    /// Reads what every file of the training of a phase has from `root`, whose stage must be `stage`, that of `command`.
    ///
    /// `labelSmoothing` is what the losses have where the file does not say it.
    init(
        _ root: MappingReader, stage wanted: Int, command: String, labelSmoothing: Double
    ) throws(ManifestError) {
        let stage = try root.int(root.required("stage", "add it: stage: \(wanted)"), "stage", in: 1...2)
        guard stage == wanted else {
            throw root.fault(.invalid, "stage", "want \(wanted): this file is read by \(command)")
        }
        var defaults = RunDefaults()
        defaults.labelSmoothing = labelSmoothing
        try self.init(root, defaults)
        self.stage = stage
    }

    /// Reads what every file of a training has from `root`, what is trained aside; `defaults` stand for what the file does not
    /// say.
    init(_ root: MappingReader, _ defaults: RunDefaults) throws(ManifestError) {
        version = try root.int(root.required("version", "add it: version: 1"), "version", in: 1...1)
        seed = UInt64(try root.int("seed", default: 42, in: 0...Int.max))
        output = try root.string("output", default: "")
        imageEncoder = try ImageEncoder(section("image_encoder", of: root), defaults)
        images = try Images(section("images", of: root), defaults.images)
        captions = try Captions(section("captions", of: root), defaults)
        data = try Data(section("data", of: root), images, asks: defaults.asks)
        losses = try Losses(section("losses", of: root), labelSmoothing: defaults.labelSmoothing)
        let trainingReader = try section("training", of: root)
        training = try Training(trainingReader, defaults)
        checkpoints = try Checkpoints(section("checkpoints", of: root))
        validation = try root.node("validation").map { node throws(ManifestError) in
            try Validation(MappingReader(node, path: "validation"), asks: defaults.asks)
        }
        processes = try root.optionalInt("processes", in: 1...4096)
        device = try root.string("device", default: "auto")
        guard WorkerProfile.isDevice(device) else {
            throw root.fault(.invalid, "device", "want auto, cpu or cuda:N")
        }
        threads = try root.int("threads", default: 0, in: 0...4096)
        if let batchProblem { throw trainingReader.fault(.invalid, "batch_size", batchProblem) }
    }
}

extension RunSettings.ImageEncoder {
    fileprivate init(_ reader: MappingReader, _ defaults: RunDefaults) throws(ManifestError) {
        if let whole = defaults.trainedEncoder {
            model = try reader.string("model", default: whole)
            precision = try reader.choice("precision", default: .float32)
            guard precision == .float32 else {
                throw reader.fault(
                    .invalid, "precision",
                    "want float32: the encoder is trained, and its weights become NaN in float16; "
                        + "training.precision is that of products")
            }
            layerDecay = try reader.double("layer_decay", default: 1, want: "more than 0 and at most 1") {
                $0 > 0 && $0 <= 1
            }
            recompute = try reader.bool("recompute", default: false)
        } else {
            model = try reader.string(
                reader.required("model", "add it: the folder or hub id of a CLIP or BLIP-2 model"), "model")
            precision = try reader.choice("precision", default: .auto)
        }
        try reader.finish()
    }
}

extension RunSettings.Captions {
    fileprivate init(_ reader: MappingReader, _ defaults: RunDefaults) throws(ManifestError) {
        use = try reader.choice("use", default: .kept)
        clean = try reader.choice("clean", default: .blip)
        prompt = try reader.string("prompt", default: defaults.prompt)
        maxTokens = try reader.int("max_tokens", default: 32, in: 3...65_536)
        try reader.finish()
    }
}

extension RunSettings.Losses {
    fileprivate init(_ reader: MappingReader, labelSmoothing smoothing: Double) throws(ManifestError) {
        labelSmoothing = try reader.double("label_smoothing", default: smoothing, want: "at least 0 and below 1") {
            (0..<1).contains($0)
        }
        textMean = try reader.choice("text_mean", default: .global)
        try reader.finish()
    }
}

extension RunSettings.Checkpoints {
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

extension RunSettings.Validation {
    fileprivate init(_ reader: MappingReader, asks: Bool) throws(ManifestError) {
        paths = try reader.strings(
            reader.required("path", "add it: a data set that is not trained on, or a list of them"), "path",
            want: "a data set that is not trained on, or a list of them")
        samples = try reader.int("samples", default: 1000, in: 2...10_000_000)
        every = try reader.int("every", default: 1000, in: 1...Int.max)
        questions = asks ? try RunSettings.QuestionFiles.list(reader) : nil
        try reader.finish()
        guard asks, questions == nil else { return }
        throw reader.fault(.missingKey, "questions", "add it: " + RunSettings.QuestionFiles.want)
    }
}
