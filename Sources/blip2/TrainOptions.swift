import ArgumentParser
import BLIP2Models
import Captioning
import Commands
import Files
import Foundation
import Loading
import Locks
import Manifests
import ModelFolders
import QuestionSets
import Samples
import Tensors
import TextMetrics
import Training

/// What both trainings need to know.
struct TrainOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A data set built by the pipeline; repeatable.", valueName: "dir"))
    var data: [String] = []

    @Option(help: ArgumentHelp("Directory for checkpoints, log, loss curve and the finished model.", valueName: "dir"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "The model to fine-tune, a folder or a hub id; without it a small one is trained from scratch.",
            valueName: "model"))
    var from: String?

    @Option(help: "Number of passes over the data.") var epochs = 10
    @Option(help: "Number of steps, instead of epochs.") var steps: Int?
    @Option(help: "Images per step.") var batchSize = 128
    @Option(help: "The highest learning rate; 0.00001 with --from, 0.001 from scratch.") var learningRate: Double?
    @Option(help: "The learning rate of the last step.") var minLearningRate = 0.0
    @Option(help: "Steps of linear warmup; by default a twentieth of all steps.") var warmup: Int?
    @Option(help: "AdamW's weight decay.") var weightDecay = 0.05
    @Option(help: "Maximum norm of the gradient; 0 is no limit.") var clipNorm = 1.0
    @Option(help: "Seed for the order of the data and the weights of a new model.") var seed: UInt64 = 0
    @Option(
        help: """
            Take a random crop of at least this share of each side; 1 is off. Captions about positions stay true down to \
            about 0.8.
            """) var cropScale = 1.0
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
        try require(!data.isEmpty, "data", "at least one data set")
        try require(epochs > 0, "epochs", "at least 1")
        try require(steps ?? 1 > 0, "steps", "at least 1")
        try require(batchSize > 0, "batch-size", "at least 1")
        try require(learningRate ?? 1 > 0, "learning-rate", "more than 0")
        try require(minLearningRate >= 0, "min-learning-rate", "0 or more")
        try require(warmup ?? 0 >= 0, "warmup", "0 or more")
        try require(weightDecay >= 0, "weight-decay", "0 or more")
        try require(clipNorm >= 0, "clip-norm", "0 or more")
        try require(checkpointEvery > 0, "checkpoint-every", "at least 1")
        try require(cropScale > 0 && cropScale <= 1, "crop-scale", "more than 0 and at most 1")
        try require(threads >= 0, "threads", "0 or more")
        try require(modelType != nil, "save-as", "float32, bfloat16 or float16")
        try require(["auto", "float32", "bfloat16"].contains(precision), "precision", "auto, float32 or bfloat16")
    }

    private var modelType: DType? {
        DType(rawValue: saveAs).flatMap { [.float32, .bfloat16, .float16].contains($0) ? $0 : nil }
    }

    /// Trains as `objective` says, from the model in its folder.
    func train(_ objective: any Objective, named name: String, captionsPerImage: Int = 1) async throws {
        let device = try chosenDevice()
        let loader = try loader()
        let shown = cropScale < 1 ? "\(name), parts from \(cropScale)" : name
        let options = try trainingOptions(objective, shown, loader)
        var batches = BatchLoader(loader, batchSize: batchSize, view: objective.view)
        batches.captionsPerImage = captionsPerImage
        if cropScale < 1 { batches.transform.crop = .sides(atLeast: cropScale) }
        var run = TrainingRun(RunFolder(output), objective, options, batches, on: device)
        run.checkpointInterval = checkpointEvery
        run.modelType = modelType ?? .float32
        run.noteDamage = { StandardError.line("damaged, another sample stands in: \($0.error)", from: "blip2") }
        let progress = Locked(TrainingProgress(label: "train", steps: options.schedule.steps))
        try await run { report in progress.withLock { $0.show(report) } }
        progress.withLock { $0.finish() }
        try printResult(output)
    }

    /// The samples of `--data`.
    func loader() throws -> ShardLoader { try ShardLoader(directories: data, order: LoadingOrder(seed: seed)) }

    private func chosenDevice() throws -> Device {
        do {
            return try Device(named: device)
        } catch {
            throw ValidationError("--device: \(error.message)")
        }
    }

    private func trainingOptions(
        _ objective: any Objective, _ name: String, _ loader: ShardLoader
    ) throws -> TrainingOptions {
        let steps = steps ?? max(1, epochs * loader.sampleCount / batchSize)
        let peak = learningRate ?? (from == nil ? 1e-3 : 1e-5)
        return TrainingOptions(
            objective: name, start: try checkpointDigest(objective.directory.path).hex, data: loader.fingerprint,
            seed: seed,
            batchSize: batchSize,
            schedule: Schedule(
                peak: peak, floor: min(peak, minLearningRate), warmUpSteps: min(steps, warmup ?? steps / 20),
                steps: steps),
            weightDecay: weightDecay, gradientLimit: clipNorm, precision: precision,
            threads: threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount)
    }
}

/// Runs `body`, and gives data and models that cannot be used as bad input.
func asTrainingInput<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await asInput(body)
    } catch let error as LoadingError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as TrainingError {
        throw CommandError(error.code == .diverged ? .failedWork : .badInput, "\(error)")
    } catch let error as FileError {
        throw CommandError(.failedWork, "\(error)")
    } catch let error as CocoaError {
        let place = error.filePath.map { "\($0): " } ?? ""
        throw CommandError(.failedWork, place + error.localizedDescription)
    } catch let error as PhaseOneError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as CheckpointError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as QuestionError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as MetricsError {
        throw CommandError(.badInput, "\(error)")
    }
}
