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

    @Option(help: ArgumentHelp("The folder for the random weights.", valueName: "dir")) var cache = ".cache/stage1"
    @OptionGroup var timing: StepTiming
    @Flag(help: "Time the parts of a step, each alone, instead of whole steps.") var parts = false
    @OptionGroup var logs: LogOptions

    private struct PartOutput: Encodable {
        let precision: String
        let batch: Int
        let parts: [PhaseOnePart]
        /// Billions of operations a second in matrix products alone, before and after.
        let matrixLimit: [Double]
    }

    func run() async throws {
        let (precision, threads) = (timing.arithmetic, timing.threads)
        let random = try RandomPhaseOne(timing.vision, in: "\(cache)/\(timing.imageEncoder.rawValue)")
        let objective = try PhaseOneObjective(
            start: ModelDirectory(random.start), encoder: .frozen(ModelDirectory(random.encoder), precision),
            options: PhaseOneOptions(microBatches: timing.microBatches))
        let batch = random.batch(timing.batchSize)
        guard !parts else {
            let engines = EnginePool(device: .cpu, engineCount: threads)
            let before = try await MatrixLimit.measure(engines, precision, rows: 2056)
            let timer = try PhaseOneTimer(objective, batch, precision, threads: threads)
            let parts = try await timer.times(rounds: timing.steps)
            let after = try await MatrixLimit.measure(engines, precision, rows: 2056)
            try printResult(
                jsonLine(
                    PartOutput(
                        precision: precision.rawValue, batch: timing.batchSize, parts: parts,
                        matrixLimit: [before, after])))
            return
        }
        let texts = batch.tokens.map { $0[0] }
        try await timing.time(
            objective, batch, operations: PhaseOneArithmetic(timing.vision, texts: texts, negativeTexts: texts).step)
    }
}
