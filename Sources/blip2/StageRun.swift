import Commands
import Digests
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

/// What a run trains: a stage of BLIP-2's training, with its models found and nothing written yet.
protocol TrainedStage {
    associatedtype Settings: StageSettings
    /// What the command and its progress lines call it.
    static var label: String { get }

    /// Finds the models that `settings` name, and sees that they fit together.
    init(_ settings: Settings) throws
    /// What of the settings is read from the models, filled in.
    var settings: Settings { get set }
    /// The side in pixels of the squares that the model sees.
    var side: Int { get }
    /// Whether losses begin as those of a model that has learned nothing.
    var isFresh: Bool { get }
    /// The run in words, with what of the settings is nowhere else in its state.
    var title: String { get }
    /// Makes the folder that training starts from, where it is not there.
    func makeStart() throws
    /// What is trained; with `dropout` instead of the settings'.
    func objective(on device: Device, dropout: Double?) throws -> any Objective
    /// What the losses should be where each pair has `candidates` to be compared with.
    func expectations(candidates: Int) -> LossExpectations
    /// What a person is told of the models before the first step.
    func introduction(on device: Device) throws -> [String]
    /// What a person is told of the data before the first step; throws where the settings cannot apply to it.
    func dataLines(_ batches: BatchLoader) throws -> [String]
}

extension TrainedStage {
    func dataLines(_ batches: BatchLoader) throws -> [String] { [] }
}

/// A run of a stage, from its settings to the trained model.
struct StageRun<Stage: TrainedStage> {
    let stage: Stage
    let loading: RunLoading
    let schedule: Schedule
    let device: Device
    /// This process and the others; nil where it is alone.
    private let processes: JoinedProcesses?

    var settings: RunSettings { stage.settings.run }

    /// Finds models and data; nothing is written.
    ///
    /// What the settings leave to models and data is filled in.
    init(_ settings: Stage.Settings, _ processes: JoinedProcesses? = nil) throws {
        self.processes = processes
        device = try asUsage("--device") { () throws(TorchError) in
            try Device(named: deviceName(settings.run.device, processes?.place))
        }
        var stage = try Stage(settings)
        stage.settings.run.images.size = stage.side
        loading = try RunLoading(stage.settings.run, side: stage.side)
        schedule = stage.settings.run.training.fill(samples: loading.batches.loader.sampleCount)
        let count = processes?.place.count ?? 1
        // The mean of the processes' means is another one with another number of processes.
        stage.settings.run.processes = stage.settings.run.losses.textMean == .processes ? count : nil
        self.stage = stage
    }

    /// Trains, or goes on where an earlier run in the output ended.
    func callAsFunction() async throws {
        var introduction: [String] = []
        if isFirst {
            introduction = try self.introduction()
            // The first process makes what the others then find.
            try prepare()
        }
        try processes?.group.meet()
        let objective = try stage.objective(on: device, dropout: nil)
        let options = try options(of: objective)
        var loading = loading
        if let processes { loading.decoders = processes.place.threads }
        var run = TrainingRun(RunFolder(settings.output), objective, options, loading.batches, on: device)
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
        let expectations = stage.expectations(candidates: options.batchSize)
        run.expectations = expectations
        run.watch = LossWatch(
            expectations, steps: schedule.steps, warmUpSteps: schedule.warmUpSteps, startsFresh: stage.isFresh)
        let progress = Locked(TrainingProgress(label: Stage.label, steps: schedule.steps))
        let say: @Sendable (String) -> Void = { text in progress.withLock { $0.say(text) } }
        run.notice = say
        run.noteDamage = { say("damaged, another sample stands in: \($0.error)") }
        let expected = stage.isFresh ? expectations.lines : []
        let ended = try await run(
            { record in progress.withLock { $0.show(record) } },
            begin: { [isFirst, introduction] steps, inventory in
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

    /// Makes the start where it is not there, and writes the settings; a run that is another one is refused.
    func prepare() throws {
        try checkEarlierSettings()
        try stage.makeStart()
        try FileManager.default.createDirectory(atPath: settings.output, withIntermediateDirectories: true)
        try writeFile(stage.settings.yaml().utf8, to: settings.output + "/" + stageSettingsName)
    }

    /// All that decides what the run makes of its model.
    func options(of objective: any Objective) throws -> TrainingOptions {
        let training = settings.training
        return TrainingOptions(
            objective: stage.title, start: try checkpointDigest(objective.directory.path).hex,
            data: loading.fingerprint,
            seed: settings.seed, batchSize: training.batchSize, schedule: schedule,
            weightDecay: training.weightDecay, gradientLimit: training.clipNorm, precision: precision.rawValue,
            threads: nil,
            optimizer: AdamW.Options(
                beta1: training.betas[0], beta2: training.betas[1], epsilon: training.epsilon))
    }

    /// The element type of matrix products, which is stored with the run: on another device `auto` may be another.
    private var precision: DType {
        (Precision(rawValue: settings.training.precision.rawValue) ?? .auto).dtype(on: device)
    }

    /// Refuses settings that would make another model of the run that is in the output.
    private func checkEarlierSettings() throws {
        let path = settings.output + "/" + stageSettingsName
        guard FileManager.default.fileExists(atPath: settings.output + "/checkpoints"),
            FileManager.default.fileExists(atPath: path)
        else { return }
        let differences = stage.settings.differences(from: try readSettings(path))
        guard differences.isEmpty else {
            throw CommandError(
                .badInput,
                "\(settings.output): other_options: resume with the same settings (\(stageSettingsName)), or name another "
                    + "output: \(differences.joined(separator: "; "))")
        }
    }
}

extension RunSettings.Training {
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

/// Where a run's folder keeps its settings.
private let stageSettingsName = "config.yaml"

/// Runs `body`, and gives an option that cannot be used as wrong usage.
private func asUsage<Value>(_ option: String, _ body: () throws(TorchError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw CommandError(.usage, "\(option): \(error.message)")
    }
}
