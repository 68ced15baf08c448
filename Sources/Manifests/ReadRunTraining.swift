extension RunSettings.Training {
    init(_ reader: MappingReader, _ defaults: RunDefaults) throws(ManifestError) {
        decay = try reader.choice("decay", default: .steps)
        steps = try reader.optionalInt("steps", in: 1...1_000_000_000)
        epochs = try reader.optionalInt("epochs", in: 1...1_000_000)
        stepsPerEpoch = try reader.optionalInt("steps_per_epoch", in: 1...1_000_000_000)
        batchSize = try reader.int(
            reader.required("batch_size", "add it: samples of a step, those of all processes together"), "batch_size",
            in: 2...1_000_000)
        accumulate = try reader.int("accumulate", default: 1, in: 1...1_000_000)
        learningRate = try reader.double("learning_rate", default: defaults.learningRate, want: "more than 0") {
            $0 > 0
        }
        minLearningRate = try reader.double(
            "min_learning_rate", default: min(defaults.minLearningRate, learningRate), want: "0 or more"
        ) { $0 >= 0 }
        warmupSteps = try reader.optionalInt("warmup_steps", in: 0...1_000_000_000)
        let isByEpochs = decay == .epochs
        warmupLearningRate =
            reader.node("warmup_learning_rate") == nil
            ? (isByEpochs ? min(1e-6, learningRate) : nil)
            : try reader.double("warmup_learning_rate", default: 0, want: "0 or more") { $0 >= 0 }
        betas = reader.node("betas") == nil ? defaults.betas : try reader.numbers("betas", want: Self.wantedBetas)
        epsilon = try reader.double("epsilon", default: 1e-8, want: "more than 0") { $0 > 0 }
        weightDecay = try reader.double("weight_decay", default: 0.05, want: "0 or more") { $0 >= 0 }
        clipNorm = try reader.double("clip_norm", default: 0, want: "0 (no limit) or more") { $0 >= 0 }
        precision = try reader.choice("precision", default: .auto)
        try reader.finish()
        try check(reader)
    }

    private static let wantedBetas = "two numbers of at least 0 and below 1, such as [0.9, 0.98]"

    private func check(_ reader: MappingReader) throws(ManifestError) {
        func require(_ isGood: Bool, _ key: String, _ hint: String) throws(ManifestError) {
            guard isGood else { throw reader.fault(.invalid, key, hint) }
        }
        guard steps != nil || epochs != nil else {
            throw reader.fault(.missingKey, "steps", "add it: steps of the whole run, or epochs")
        }
        let isByEpochs = decay == .epochs
        try require(steps == nil || epochs == nil, "epochs", "not with steps: give one of them")
        try require(
            stepsPerEpoch == nil || epochs != nil || isByEpochs, "steps_per_epoch", "only with epochs or decay: epochs")
        try require(betas.count == 2 && betas.allSatisfy((0..<1).contains), "betas", "want \(Self.wantedBetas)")
        try require(precision != .int8, "precision", "want one of auto, float32, bfloat16, float16, not \"int8\"")
        try require(
            minLearningRate <= learningRate, "min_learning_rate",
            "want at most learning_rate, \(learningRate), not \(minLearningRate)")
        if let warmupSteps, let steps, !isByEpochs {
            try require(warmupSteps <= steps, "warmup_steps", "want at most steps, \(steps), not \(warmupSteps)")
        }
        guard let warmupLearningRate else { return }
        try require(
            isByEpochs, "warmup_learning_rate", "only with decay: epochs; by steps the first step has its share")
        try require(
            warmupLearningRate <= learningRate, "warmup_learning_rate",
            "want at most learning_rate, \(learningRate), not \(warmupLearningRate)")
    }
}
