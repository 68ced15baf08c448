import ArgumentParser
import BLIP2Models
import BLIP2Training
import Captioning
import Commands
import Files
import Foundation
import LanguageModels
import Loading
import ModelFolders
import Tensors
import Training

/// Times steps of phase 2 with random weights and samples; `scripts/bench stage2` runs it beside PyTorch.
struct StageTwoBenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-stage2", abstract: "Measure training steps of phase 2 on random samples.",
        shouldDisplay: false)

    @Option(help: ArgumentHelp("The folder for the random weights.", valueName: "dir")) var cache = ".cache/stage2"
    @Option(help: "The frozen image encoder: vit-l or vit-g.") var imageEncoder = StageOneBenchmarkCommand.Encoder.vitL
    @Option(help: "The frozen language model, such as opt-125m or flan-t5-xl.") var languageModel = "opt-125m"
    @Option(help: "Pairs per step.") var batchSize = 8
    @Option(help: "Micro-batches per step.") var microBatches = 1
    @Option(help: "Precision: float32 or bfloat16.") var precision = "float32"
    @Flag(help: "Compute the language model's activations again in the backward pass.") var recompute = false
    @Option(help: "Timed steps, after one for warmup.") var steps = 3
    @Option(help: "Threads of the model.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @OptionGroup var logs: LogOptions

    private struct Output: Encodable {
        let precision: String
        let batch: Int
        let trainedParameters: Int
        /// Seconds of each step.
        let steps: [Double]
        let loss: Double
        let operations: Double
        /// The largest memory that the process had, in bytes.
        let peak: Int
    }

    func validate() throws {
        guard batchSize > 1, microBatches > 0, steps > 0, threads > 0 else {
            throw ValidationError("want at least two pairs, one step and one thread")
        }
        guard ["float32", "bfloat16"].contains(precision) else {
            throw ValidationError("--precision: want float32 or bfloat16")
        }
        guard LanguageModelSize(rawValue: languageModel) != nil else {
            let names = LanguageModelSize.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--language-model: want one of \(names)")
        }
    }

    func run() async throws {
        guard let precision = Precision(rawValue: precision), let size = LanguageModelSize(rawValue: languageModel)
        else { return }
        let vision: BLIP2Configuration = imageEncoder == .vitL ? .vitL14 : .vitG14
        let random = try RandomPhaseOne(vision, in: "\(cache)/\(imageEncoder.rawValue)")
        let language = "\(cache)/\(languageModel)"
        try RandomCheckpoint.writeLanguageModel(size, to: language)
        var options = PhaseTwoOptions()
        (options.microBatches, options.recomputes) = (microBatches, recompute)
        let objective = try PhaseTwoObjective(
            start: ModelDirectory(start(vision, random, language)),
            encoder: .frozen(ModelDirectory(random.encoder), precision),
            language: LanguagePart(ModelDirectory(language), precision), options: options)
        let batch = random.batch(batchSize)
        let trainer = try Trainer(objective, trainingOptions(precision), device: .cpu, threads: threads)
        var times: [Double] = []
        var loss = 0.0
        for step in 0...steps {
            let start = ContinuousClock.now
            loss = try await trainer.train(on: batch).loss
            if step > 0 { times.append((ContinuousClock.now - start) / .seconds(1)) }
        }
        let lengths = batch.tokens.map { $0[0].count }
        let isDecoder = size.configuration.isDecoder
        let work = PhaseTwoArithmetic(
            vision, size.configuration, given: lengths.map { isDecoder ? 0 : $0 / 4 },
            asked: lengths.map { isDecoder ? $0 : $0 * 3 / 4 })
        try printResult(
            jsonLine(
                Output(
                    precision: precision.rawValue, batch: batchSize,
                    trainedParameters: await trainer.inventory.trainedParameters, steps: times, loss: loss,
                    operations: work.step, peak: peakMemory())))
    }

    /// The folder of what is trained: the Q-Former of `random`, and a new map into the language model.
    private func start(_ vision: BLIP2Configuration, _ random: RandomPhaseOne, _ language: String) throws -> String {
        let folder = "\(cache)/\(imageEncoder.rawValue)-\(languageModel)"
        guard !FileManager.default.fileExists(atPath: folder + "/config.json") else { return folder }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let configuration = try PhaseTwoConfiguration(
            vision, languageJSON: Data(contentsOf: URL(fileURLWithPath: language + "/config.json")), imageToken: nil,
            hasOwnHead: nil)
        let tensors = try PhaseTwoStart(Checkpoint(directory: random.start), seed: 1).tensors(configuration)
        try writeWeights(PhaseOneLayout.hub.tensors(tensors), to: folder)
        try writeFile(configuration.json(), to: folder + "/config.json")  // last: with it all is there
        return folder
    }

    private func trainingOptions(_ precision: Precision) -> TrainingOptions {
        TrainingOptions(
            objective: "benchmark", start: "random", data: "random", seed: 1, batchSize: batchSize,
            schedule: Schedule(peak: 1e-4, floor: 1e-5, warmUpSteps: 1, steps: steps + 1), weightDecay: 0.05,
            gradientLimit: 1, precision: precision.rawValue, threads: threads)
    }
}
