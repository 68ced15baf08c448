import ArgumentParser
import Commands
import Foundation
import Manifests
import ProcessGroups

/// The options of every training that a file describes.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What to train and how, a YAML file.", valueName: "file")) var config: String

    @Option(
        help: ArgumentHelp(
            "A data set built by the pipeline, instead of those of the file; repeatable: they are mixed by size.",
            valueName: "dir")) var data: [String] = []

    @Option(help: ArgumentHelp("Directory for checkpoints, log, loss curve and the finished model.", valueName: "dir"))
    var output: String?

    @Option(help: "Number of steps.") var steps: Int?
    @Option(help: "Images per step, of all processes together.") var batchSize: Int?
    @Option(help: "Compute the batch in this many parts, to save memory; the losses stay the same.")
    var accumulate: Int?
    @Option(
        help: ArgumentHelp(
            "Processes that train together; that many are started on this machine. Those of torchrun or of a Slurm step are taken without it.",
            valueName: "n")) var processes: Int?
    @Option(help: "Seed of everything that is drawn.") var seed: UInt64?
    @Option(help: "Dropout of the Q-Former, at least 0 and below 1.") var dropout: Double?
    @Option(help: "The highest learning rate.") var learningRate: Double?
    @Option(help: "Precision of matrix products: auto, float32, bfloat16 or float16.") var precision: String?
    @Option(help: "Where the model is trained: auto, cpu or cuda:N.") var device: String?
    @Option(help: "Threads for the model in each process; 0 divides the cores among them.") var threads: Int?
    @Flag(
        help: """
            Train on one batch only, at most --steps (500) times, and see whether it is learned by heart: a test of model, data \
            and rate before a long run.
            """) var check = false
    @OptionGroup var logs: LogOptions

    private var trainedPrecision: Manifest.Precision? {
        precision.flatMap(Manifest.Precision.init(rawValue:)).flatMap { $0 == .int8 ? nil : $0 }
    }

    func validate() throws {
        func require(_ isGood: Bool, _ option: String, _ wanted: String) throws {
            guard isGood else { throw ValidationError("--\(option): want \(wanted)") }
        }
        try require(output?.isEmpty != true, "output", "a directory")
        try require(steps ?? 1 > 0, "steps", "at least 1")
        try require(batchSize ?? 2 > 1, "batch-size", "at least 2: a pair needs another to be compared with")
        try require(accumulate ?? 1 > 0, "accumulate", "at least 1")
        try require(processes ?? 1 > 0, "processes", "at least 1")
        try require(seed ?? 0 <= UInt64(Int.max), "seed", "at most \(Int.max)")
        try require((0..<1).contains(dropout ?? 0), "dropout", "at least 0 and below 1")
        try require(learningRate.map { $0 > 0 && $0.isFinite } ?? true, "learning-rate", "more than 0")
        try require(precision == nil || trainedPrecision != nil, "precision", "auto, float32, bfloat16 or float16")
        try require(WorkerProfile.isDevice(device ?? "auto"), "device", "auto, cpu or cuda:N")
        try require(threads ?? 0 >= 0, "threads", "0 or more")
    }

    /// The file's settings with the options over them, every path absolute; a file for another `task` is refused.
    private func settings<Settings: StageSettings>(for task: RunSettings.Task?) throws -> Settings {
        var overrides = RunOverrides()
        overrides.data = data.map(absolutePath)
        overrides.output = output.map(absolutePath)
        (overrides.steps, overrides.batchSize, overrides.accumulate) = (steps, batchSize, accumulate)
        (overrides.processes, overrides.seed, overrides.dropout, overrides.learningRate) = (
            processes, seed, dropout, learningRate
        )
        (overrides.precision, overrides.device, overrides.threads) = (trainedPrecision, device, threads)
        let settings = (try readSettings(config) as Settings).overridden(by: overrides)
        if let task, let found = settings.run.task, found != task {
            throw CommandError(
                .badInput,
                "\(config): task: want \(task.rawValue), not \(found.rawValue): this file is read by train finetune "
                    + found.rawValue)
        }
        guard !settings.output.isEmpty else {
            throw CommandError(.usage, "--output: \(config) names none: name the run's folder here")
        }
        guard !settings.data.sets.isEmpty else {
            throw CommandError(.usage, "--data: \(config) names no data set: name at least one here")
        }
        if let problem = settings.run.batchProblem { throw CommandError(.usage, "--batch-size: \(problem)") }
        return settings
    }

    /// Trains a stage, in this process, or as one of several, or by starting them; in fine-tuning for `task`.
    func train<Stage: TrainedStage>(_ stage: Stage.Type, for task: RunSettings.Task? = nil) async throws {
        let settings: Stage.Settings = try settings(for: task)
        let environment = ProcessInfo.processInfo.environment
        let start = try ProcessStart(processes: check ? processes : settings.processes, environment: environment)
        switch start {
        case .alone:
            try await stoppingAtWarning {
                try await asTrainingInput {
                    let run = try StageRun<Stage>(settings)
                    if check { try await run.check(steps: steps ?? 500) } else { try await run() }
                }
            }
        case _ where check: throw CommandError(.usage, "--check: one process is enough: leave out the others")
        case .launching(let count):
            // What is wrong with settings, models or data is said once, before there are others.
            try await asTrainingInput { _ = try StageRun<Stage>(settings) }
            let code = try await ProcessLauncher(count).run()
            if code != 0 { throw ExitCode(code) }
        case .joining(let place):
            try checkBatch(settings.run, among: place)
            let joined = try JoinedProcesses(joining: place)
            try await stoppingAtWarning(speaks: place.index == 0) {
                try await joined.run {
                    try await asTrainingInput { try await StageRun<Stage>(settings, joined)() }
                }
            }
        }
    }

    /// Refuses a batch that cannot be divided among the processes that the environment names; one process says so for all.
    private func checkBatch(_ settings: RunSettings, among place: ProcessPlace) throws {
        var settings = settings
        settings.processes = place.count
        guard let problem = settings.batchProblem else { return }
        guard place.index == 0 else { throw ExitCode(CommandError.Code.usage.rawValue) }
        throw CommandError(.usage, "--batch-size: \(problem)")
    }
}
