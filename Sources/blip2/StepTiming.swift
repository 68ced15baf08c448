import ArgumentParser
import BLIP2Models
import Commands
import Foundation
import Loading
import Tensors
import Training

/// How steps of training are timed, and on which model: what the benchmarks of both phases have in common.
struct StepTiming: ParsableArguments {
    enum Encoder: String, ExpressibleByArgument, CaseIterable {
        case vitL = "vit-l"
        case vitG = "vit-g"
    }

    @Option(help: "The frozen image encoder: vit-l or vit-g.") var imageEncoder = Encoder.vitL
    @Option(help: "Pairs per step.") var batchSize = 8
    @Option(help: "Micro-batches per step.") var microBatches = 1
    @Option(help: "Precision: float32 or bfloat16.") var precision = "float32"
    @Option(help: "Timed steps, after one for warmup.") var steps = 3
    @Option(help: "Threads of the model.") var threads = ProcessInfo.processInfo.activeProcessorCount

    private struct Output: Encodable {
        let precision: String
        let batch: Int
        let trainedParameters: Int
        /// Seconds of each step.
        let steps: [Double]
        /// Of the last step.
        let loss: Double
        let operations: Double
        /// The largest memory that the process had, in bytes.
        let peak: Int
    }

    func validate() throws {
        guard batchSize > 1, microBatches > 0, steps > 0, threads > 0 else {
            throw ValidationError("want at least two pairs, one micro-batch, one step and one thread")
        }
        guard ["float32", "bfloat16"].contains(precision) else {
            throw ValidationError("--precision: want float32 or bfloat16")
        }
    }

    var vision: BLIP2Configuration { imageEncoder == .vitL ? .vitL14 : .vitG14 }
    var arithmetic: Precision { precision == "bfloat16" ? .bfloat16 : .float32 }

    /// Trains on `batch`, once for warmup and then `steps` times, and prints times, loss and memory; a step has so many
    /// `operations`.
    func time(_ objective: any Objective, _ batch: TrainingBatch, operations: Double) async throws {
        let options = TrainingOptions(
            objective: "benchmark", start: "random", data: "random", seed: 1, batchSize: batchSize,
            schedule: Schedule(peak: 1e-4, floor: 1e-5, warmUpSteps: 1, steps: steps + 1), weightDecay: 0.05,
            gradientLimit: 1, precision: precision, threads: threads)
        let trainer = try Trainer(objective, options, device: .cpu, threads: threads)
        var times: [Double] = []
        var loss = 0.0
        for step in 0...steps {
            let start = ContinuousClock.now
            loss = try await trainer.train(on: batch).loss
            if step > 0 { times.append((ContinuousClock.now - start) / .seconds(1)) }
        }
        try printResult(
            jsonLine(
                Output(
                    precision: precision, batch: batchSize,
                    trainedParameters: await trainer.inventory.trainedParameters, steps: times, loss: loss,
                    operations: operations, peak: peakMemory())))
    }

    /// The most memory that this process has had, in bytes.
    private func peakMemory() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""  // Linux alone has it
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0) * 1024
    }
}
