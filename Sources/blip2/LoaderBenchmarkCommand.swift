import ArgumentParser
import Commands
import Foundation
import Loading

/// Times the loader alone on a data set; `scripts/bench loader` runs it beside webdataset.
struct LoaderBenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-loader", abstract: "Measure how fast batches are made.", shouldDisplay: false)

    @Option(help: ArgumentHelp("A data set built by the pipeline.", valueName: "dir")) var data: String
    @Option(help: "Images per batch.") var batchSize = 64
    @Option(help: "Batches that are timed, after four for warmup.") var batches = 100
    @Option(help: "Side of the square images in pixels.") var side = 224
    @Option(help: "Images decoded at once.") var decoders = ProcessInfo.processInfo.activeProcessorCount
    @Flag(help: "Apply RandAugment too.") var randAugment = false

    private struct Output: Encodable {
        let samples: Int
        let seconds: Double
        let samplesPerSecond: Double
        let cpuSeconds: Double
        let damaged: Int
    }

    func validate() throws {
        guard batchSize > 0, batches > 0, side > 0, decoders > 0 else { throw ValidationError("want numbers above 0") }
    }

    func run() async throws {
        try await asTrainingInput {
            var transform = ImageTransform.blip2(side: side)
            if randAugment { transform.randAugment = RandAugment() }
            var loader = BatchLoader(
                try ShardLoader(directories: [data], order: LoadingOrder(seed: 1)), batchSize: batchSize,
                transform: transform)
            loader.decoders = decoders
            loader.clean = { blipCaption($0) }
            let (seconds, cpu, damaged) = try await loader.withBatches(after: 0) { next in
                for _ in 0..<4 { _ = try await next() }
                let (start, used) = (ContinuousClock.now, clock())
                var damaged = 0
                for _ in 0..<batches { damaged += try await next().damaged.count }
                return (
                    (ContinuousClock.now - start) / .seconds(1), Double(clock() - used) / Double(CLOCKS_PER_SEC),
                    damaged
                )
            }
            let samples = batches * batchSize
            try printResult(
                jsonLine(
                    Output(
                        samples: samples, seconds: seconds, samplesPerSecond: Double(samples) / seconds,
                        cpuSeconds: cpu, damaged: damaged)))
        }
    }
}
