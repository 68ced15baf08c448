import ArgumentParser
import Commands
import Foundation
import Loading
import Locks
import Manifests
import ModelFolders
import Samples
import Tensors
import Training

/// What a training takes its batches from.
struct TrainData {
    let batches: any BatchSource
    /// Of the data and their order.
    let fingerprint: String
    /// How many samples a pass has.
    let sampleCount: Int
}

/// What every training whose settings are options needs to know.
struct TrainChoices: ParsableArguments {
    @Option(help: ArgumentHelp("Directory for checkpoints, log, loss curve and the finished model.", valueName: "dir"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "The model to fine-tune, a folder or a hub id; without it a small one is trained from scratch.",
            valueName: "model"))
    var from: String?

    @Option(help: "Number of passes over the data.") var epochs = 10
    @Option(help: "Number of steps, instead of epochs.") var steps: Int?
    @Option(help: "Images, or texts, per step.") var batchSize = 128
    @Option(help: "The highest learning rate; 0.00001 with --from, 0.001 from scratch.") var learningRate: Double?
    @Option(help: "The learning rate of the last step.") var minLearningRate = 0.0
    @Option(help: "Steps of linear warmup; by default a twentieth of all steps.") var warmup: Int?
    @Option(help: "AdamW's weight decay.") var weightDecay = 0.05
    @Option(help: "Maximum norm of the gradient; 0 is no limit.") var clipNorm = 1.0
    @Option(help: "Seed for the order of the data and the weights of a new model.") var seed: UInt64 = 0
    @Option(help: "Steps between checkpoints.") var checkpointEvery = 500
    @Option(help: "The type of the finished model's weights: float32, bfloat16 or float16.") var saveAs = "float32"
    @Option(help: "Where the model is trained: auto, cpu or cuda:N.") var device = "auto"
    @Option(help: "Precision of matrix products: auto, float32 or bfloat16.") var precision = "float32"
    @Option(help: "Threads for the model; 0 uses one for each core.") var threads = 0
    @OptionGroup var logs: LogOptions

    func validate() throws {
        func require(_ isGood: Bool, _ option: String, _ wanted: String) throws {
            guard isGood else { throw ValidationError("--\(option): want \(wanted)") }
        }
        try require(epochs > 0, "epochs", "at least 1")
        try require(steps ?? 1 > 0, "steps", "at least 1")
        try require(batchSize > 0, "batch-size", "at least 1")
        try require(learningRate ?? 1 > 0, "learning-rate", "more than 0")
        try require(minLearningRate >= 0, "min-learning-rate", "0 or more")
        try require(warmup ?? 0 >= 0, "warmup", "0 or more")
        try require(weightDecay >= 0, "weight-decay", "0 or more")
        try require(clipNorm >= 0, "clip-norm", "0 or more")
        try require(checkpointEvery > 0, "checkpoint-every", "at least 1")
        try require(threads >= 0, "threads", "0 or more")
        try require(modelType != nil, "save-as", "float32, bfloat16 or float16")
        try require(["auto", "float32", "bfloat16"].contains(precision), "precision", "auto, float32 or bfloat16")
    }

    private var modelType: DType? {
        DType(rawValue: saveAs).flatMap { [.float32, .bfloat16, .float16].contains($0) ? $0 : nil }
    }

    /// Trains as `objective` says, from the model in its folder, on `data`.
    func train(_ objective: any Objective, named name: String, _ data: TrainData) async throws {
        let device = try chosenDevice()
        let options = try trainingOptions(objective, name, data)
        var run = TrainingRun(RunFolder(output), objective, options, data.batches, on: device)
        run.checkpointInterval = checkpointEvery
        run.modelType = modelType ?? .float32
        run.noteDamage = { StandardError.line("damaged, another sample stands in: \($0.error)", from: "blip2") }
        let progress = Locked(TrainingProgress(label: "train", steps: options.schedule.steps))
        try await run { report in progress.withLock { $0.show(report) } }
        progress.withLock { $0.finish() }
        try printResult(output)
    }

    private func chosenDevice() throws -> Device {
        do {
            return try Device(named: device)
        } catch {
            throw ValidationError("--device: \(error.message)")
        }
    }

    private func trainingOptions(
        _ objective: any Objective, _ name: String, _ data: TrainData
    ) throws -> TrainingOptions {
        let steps = steps ?? max(1, epochs * data.sampleCount / batchSize)
        let peak = learningRate ?? (from == nil ? 1e-3 : 1e-5)
        return TrainingOptions(
            objective: name, start: try checkpointDigest(objective.directory.path).hex, data: data.fingerprint,
            seed: seed,
            batchSize: batchSize,
            schedule: Schedule(
                peak: peak, floor: min(peak, minLearningRate), warmUpSteps: min(steps, warmup ?? steps / 20),
                steps: steps),
            weightDecay: weightDecay, gradientLimit: clipNorm, precision: precision,
            threads: threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount)
    }
}
