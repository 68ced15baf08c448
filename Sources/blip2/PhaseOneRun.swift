import BLIP2Models
import BLIP2Training
import Commands
import Files
import Foundation
import Loading
import Locks
import Manifests
import ModelFolders
import ProcessGroups
import Samples
import Tensors
import Training

/// A run of phase 1, from its settings to the trained model.
struct PhaseOneRun {
    private static let settingsName = "config.yaml"

    let settings: PhaseOneSettings
    let start: PhaseOneStartFolder
    let loading: PhaseOneLoading
    let schedule: Schedule
    let device: Device
    /// This process and the others; nil where it is alone.
    private let processes: TrainingProcesses?

    /// Finds models and data; nothing is written.
    ///
    /// What the settings leave to models and data is filled in.
    init(_ settings: PhaseOneSettings, _ processes: TrainingProcesses? = nil) throws {
        var settings = settings
        self.processes = processes
        device = try asUsage("--device") { () throws(TorchError) in
            try Device(named: Self.device(settings.device, processes?.place))
        }
        start = try PhaseOneStartFolder(settings)
        settings.images.size = start.side
        loading = try PhaseOneLoading(settings, side: start.side)
        schedule = settings.training.fill(samples: loading.batches.loader.sampleCount)
        let count = processes?.place.count ?? 1
        // The mean of the processes' means is another one with another number of processes.
        settings.processes = settings.losses.textMean == .processes ? count : nil
        self.settings = settings
    }

    /// Trains, or goes on where an earlier run in the output ended.
    func callAsFunction() async throws {
        // The first process makes what the others then find.
        if isFirst { try prepare() }
        try processes?.group.meet()
        let objective = try objective()
        let options = try options(of: objective)
        var batches = loading.batches
        if let processes { batches.decoders = processes.place.threads }
        var run = TrainingRun(RunFolder(settings.output), objective, options, batches, on: device)
        if let processes {
            (run.group, run.reducer) = (processes.group, BucketReducer(over: processes.gradients))
        }
        let checkpoints = settings.checkpoints
        run.threads = threads
        run.checkpointInterval = checkpoints.every
        run.keeping = CheckpointRule(
            newest: checkpoints.keep, every: checkpoints.keepEvery > 0 ? checkpoints.keepEvery : nil)
        run.validation = loading.validation
        run.modelType = DType(rawValue: checkpoints.saveAs.rawValue) ?? .float32
        let expectations = expectations(objective, candidates: options.batchSize)
        run.expectations = expectations
        run.watch = LossWatch(
            expectations, steps: schedule.steps, warmUpSteps: schedule.warmUpSteps, startsFresh: start.isFresh)
        let progress = Locked(TrainingProgress(label: "stage1", steps: schedule.steps))
        let say: @Sendable (String) -> Void = { text in progress.withLock { $0.say(text) } }
        run.notice = say
        run.noteDamage = { say("damaged, another sample stands in: \($0.error)") }
        let (introduction, expected) = (try introduction(), start.isFresh ? expectations.lines : [])
        let ended = try await run(
            { record in progress.withLock { $0.show(record) } },
            begin: { [isFirst] steps, inventory in
                guard isFirst else { return }
                ([inventory.line] + introduction).forEach(say)
                (steps > 0 ? ["resumed after step \(steps)"] : expected).forEach(say)
            })
        guard isFirst else { return }
        progress.withLock { $0.finish() }
        ended.summary.forEach(say)
        if let best = ended.best { say(words(of: best)) }
        try printResult(settings.output)
    }

    private func words(of best: BestStep) -> String {
        let place =
            best.step == schedule.steps ? "the last" : "its model is in \(RunFolder(settings.output).bestModel)"
        return String(format: "lowest validation loss %.4f at step %d, ", best.loss, best.step) + place
    }

    /// Threads of the model in this process.
    var threads: Int {
        if settings.threads > 0 { return settings.threads }
        return processes?.place.threads ?? ProcessInfo.processInfo.activeProcessorCount
    }

    private var isFirst: Bool { processes?.place.index ?? 0 == 0 }

    /// The device of a process: of several on a machine with GPUs, each has its own.
    private static func device(_ name: String, _ place: ProcessPlace?) -> String {
        guard name == "auto", let place, Device.cudaDeviceCount > 0 else { return name }
        return "cuda:\(place.localIndex % Device.cudaDeviceCount)"
    }

    /// Makes the start where it is not there, and writes the settings; a run that is another one is refused.
    func prepare() throws {
        try checkEarlierSettings()
        _ = try start()
        try FileManager.default.createDirectory(atPath: settings.output, withIntermediateDirectories: true)
        try writeFile(settings.yaml().utf8, to: settings.output + "/" + Self.settingsName)
    }

    /// All that decides what the run makes of its model.
    func options(of objective: PhaseOneObjective) throws -> TrainingOptions {
        let training = settings.training
        return TrainingOptions(
            objective: title, start: try checkpointDigest(objective.directory.path).hex, data: loading.fingerprint,
            seed: settings.seed, batchSize: training.batchSize, schedule: schedule,
            weightDecay: training.weightDecay, gradientLimit: training.clipNorm, precision: precision.rawValue,
            threads: nil,
            optimizer: AdamW.Options(
                beta1: training.betas[0], beta2: training.betas[1], epsilon: training.epsilon))
    }

    /// What the losses should be with so many candidates.
    func expectations(_ objective: PhaseOneObjective, candidates: Int) -> LossExpectations {
        .phaseOne(
            candidates: candidates, vocabulary: objective.configuration.qformer.vocabulary,
            contrastiveSmoothing: settings.losses.labelSmoothing, generationSmoothing: settings.losses.labelSmoothing)
    }

    /// What is trained, from the start, which is made where it is not there; with `dropout` instead of the settings'.
    func objective(dropout: Double? = nil) throws -> PhaseOneObjective {
        if let obstacle = encoderPrecision.obstacle(on: device) {
            throw CommandError(.badInput, "image_encoder.precision: \(obstacle)")
        }
        let options = PhaseOneOptions(
            microBatches: settings.training.accumulate, smoothing: settings.losses.labelSmoothing,
            textMean: settings.losses.textMean == .global ? .global : .processes,
            textTokens: settings.captions.maxTokens, prompt: settings.captions.prompt)
        return try PhaseOneObjective(
            start: ModelDirectory(start()), encoder: start.encoder, encoderPrecision: encoderPrecision,
            dropout: dropout, options: options)
    }

    var encoderPrecision: Precision { Precision(rawValue: settings.imageEncoder.precision.rawValue) ?? .auto }

    /// The element type of matrix products, which is stored with the run: on another device `auto` may be another.
    private var precision: DType {
        (Precision(rawValue: settings.training.precision.rawValue) ?? .auto).dtype(on: device)
    }

    /// The run in words, with what of the settings is nowhere else in its state.
    private var title: String {
        let mean =
            switch settings.losses.textMean {
            case .global: "the global batch"
            case .processes: "\(settings.processes ?? 1) processes"
            }
        return "BLIP-2 phase 1, smoothing \(settings.losses.labelSmoothing), text mean over \(mean), "
            + "image encoder in \(settings.imageEncoder.precision.rawValue)"
    }

    /// Refuses settings that would make another model of the run that is in the output.
    private func checkEarlierSettings() throws {
        let path = settings.output + "/" + Self.settingsName
        guard FileManager.default.fileExists(atPath: settings.output + "/checkpoints"),
            FileManager.default.fileExists(atPath: path)
        else { return }
        let differences = settings.differences(from: try readPhaseOneSettings(path))
        guard differences.isEmpty else {
            throw CommandError(
                .badInput,
                "\(settings.output): other_options: resume with the same settings (\(Self.settingsName)), or name another "
                    + "output: \(differences.joined(separator: "; "))")
        }
    }
}

extension PhaseOneSettings.Training {
    /// Fills in what follows from the number of samples that a pass over the data has, and gives the schedule.
    fileprivate mutating func fill(samples: Int) -> Schedule {
        let isByEpochs = decay == .epochs
        if isByEpochs || epochs != nil { stepsPerEpoch = stepsPerEpoch ?? max(1, samples / batchSize) }
        let count = steps ?? (epochs ?? 1) * (stepsPerEpoch ?? 1)
        let warmup = warmupSteps ?? count / 20
        warmupSteps = warmup
        return Schedule(
            peak: learningRate, floor: minLearningRate, warmUpSteps: isByEpochs ? warmup : min(warmup, count),
            steps: count,
            course: isByEpochs
                ? .byEpochs(stepsPerEpoch: stepsPerEpoch ?? 1, start: warmupLearningRate ?? 0) : .bySteps)
    }
}

/// Runs `body`, and gives an option that cannot be used as wrong usage.
private func asUsage<Value>(_ option: String, _ body: () throws(TorchError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw CommandError(.usage, "\(option): \(error.message)")
    }
}
