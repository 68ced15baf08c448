import ArgumentParser
import BLIP2Models
import BLIP2Training
import Captioning
import Commands
import Foundation
import Loading
import ModelFolders
import Tensors
import Training

/// Times steps of phase 1 with random weights and samples; `scripts/bench stage1` runs it beside PyTorch.
struct StageOneBenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-stage1", abstract: "Measure training steps of phase 1 on random samples.",
        shouldDisplay: false)

    enum Encoder: String, ExpressibleByArgument, CaseIterable {
        case vitL = "vit-l"
        case vitG = "vit-g"
    }

    @Option(help: ArgumentHelp("The folder for the random weights.", valueName: "dir")) var cache = ".cache/stage1"
    @Option(help: "The frozen image encoder: vit-l or vit-g.") var imageEncoder = Encoder.vitL
    @Option(help: "Pairs per step.") var batchSize = 8
    @Option(help: "Micro-batches per step.") var microBatches = 1
    @Option(help: "Precision: float32 or bfloat16.") var precision = "float32"
    @Option(help: "Timed steps, after one for warmup.") var steps = 3
    @Option(help: "Threads of the model.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @Flag(help: "Time the parts of a step, each alone, instead of whole steps.") var parts = false
    @OptionGroup var logs: LogOptions

    private struct Output: Encodable {
        let precision: String
        let batch: Int
        let trainedParameters: Int
        /// Seconds of each step.
        let steps: [Double]
        /// The losses of the last step.
        let losses: [String: Double]
        let operations: Double
        /// The largest memory that the process had, in bytes.
        let peak: Int
    }

    private struct PartOutput: Encodable {
        let precision: String
        let batch: Int
        let parts: [PhaseOnePart]
        /// Billions of operations a second in matrix products alone, before and after.
        let matrixLimit: [Double]
    }

    func validate() throws {
        guard batchSize > 1, microBatches > 0, steps > 0, threads > 0 else {
            throw ValidationError("want at least two pairs, one step and one thread")
        }
        guard ["float32", "bfloat16"].contains(precision) else {
            throw ValidationError("--precision: want float32 or bfloat16")
        }
    }

    func run() async throws {
        guard let precision = Precision(rawValue: precision) else { return }
        let configuration: BLIP2Configuration = imageEncoder == .vitL ? .vitL14 : .vitG14
        let random = try RandomPhaseOne(configuration, in: "\(cache)/\(imageEncoder.rawValue)")
        var options = PhaseOneOptions()
        options.microBatches = microBatches
        let objective = try PhaseOneObjective(
            start: ModelDirectory(random.start), encoder: .frozen(ModelDirectory(random.encoder), precision),
            options: options)
        let batch = random.batch(batchSize)
        guard !parts else {
            let engines = EnginePool(device: .cpu, engineCount: threads)
            let before = try await MatrixLimit.measure(engines, precision, rows: 2056)
            let parts = try await PhaseOneTimer(objective, batch, precision, threads: threads).times(rounds: steps)
            let after = try await MatrixLimit.measure(engines, precision, rows: 2056)
            try printResult(
                jsonLine(
                    PartOutput(
                        precision: precision.rawValue, batch: batchSize, parts: parts, matrixLimit: [before, after])))
            return
        }
        let trainer = try Trainer(objective, trainingOptions, device: .cpu, threads: threads)
        var times: [Double] = []
        var losses: [String: Double] = [:]
        for step in 0...steps {
            let start = ContinuousClock.now
            losses = try await trainer.train(on: batch).terms
            if step > 0 { times.append((ContinuousClock.now - start) / .seconds(1)) }
        }
        let texts = batch.tokens.map { $0[0] }
        try printResult(
            jsonLine(
                Output(
                    precision: precision.rawValue, batch: batchSize,
                    trainedParameters: await trainer.inventory.trainedParameters, steps: times, losses: losses,
                    operations: PhaseOneArithmetic(configuration, texts: texts, negativeTexts: texts).step,
                    peak: peakMemory())))
    }

    private var trainingOptions: TrainingOptions {
        TrainingOptions(
            objective: "benchmark", start: "random", data: "random", seed: 1, batchSize: batchSize,
            schedule: Schedule(peak: 1e-4, floor: 1e-5, warmUpSteps: 1, steps: steps + 1), weightDecay: 0.05,
            gradientLimit: 1, precision: precision, threads: threads)
    }
}

/// The most memory that this process has had, in bytes.
func peakMemory() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""  // Linux alone has it
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0) * 1024
}
