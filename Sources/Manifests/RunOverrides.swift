/// What the command line says over the file of a training; nil leaves the file's value.
package struct RunOverrides: Sendable, Equatable {
    /// Data sets that are trained on, as one, instead of the file's, whose questions stay; empty leaves those.
    package var data: [String] = []
    package var output: String?
    package var steps: Int?
    package var batchSize: Int?
    package var accumulate: Int?
    package var processes: Int?
    package var seed: UInt64?
    package var dropout: Double?
    package var learningRate: Double?
    package var precision: Manifest.Precision?
    package var device: String?
    package var threads: Int?

    package init() {}
}

extension RunSettings {
    /// The settings with `overrides` over them.
    ///
    /// Steps take the place of epochs. The other rates are lowered to the learning rate, and the warm-up is shortened to the
    /// run, where they would be more: a short trial of a long run's file needs one flag.
    package func overridden(by overrides: RunOverrides) -> RunSettings {
        var settings = self
        if !overrides.data.isEmpty {
            let questions = data.sets.flatMap { $0.questions ?? [] }
            settings.data.sets = [Data.Set(paths: overrides.data, questions: questions.isEmpty ? nil : questions)]
        }
        settings.output = overrides.output ?? output
        settings.processes = overrides.processes ?? processes
        settings.seed = overrides.seed ?? seed
        settings.device = overrides.device ?? device
        settings.threads = overrides.threads ?? threads
        settings.training.batchSize = overrides.batchSize ?? training.batchSize
        settings.training.accumulate = overrides.accumulate ?? training.accumulate
        settings.training.precision = overrides.precision ?? training.precision
        if let rate = overrides.learningRate {
            settings.training.learningRate = rate
            settings.training.minLearningRate = min(rate, training.minLearningRate)
            settings.training.warmupLearningRate = training.warmupLearningRate.map { min(rate, $0) }
        }
        if let steps = overrides.steps {
            settings.training.steps = steps
            settings.training.epochs = nil
            if training.decay == .steps {
                settings.training.stepsPerEpoch = nil
                settings.training.warmupSteps = training.warmupSteps.map { min($0, steps) }
            }
        }
        return settings
    }
}
