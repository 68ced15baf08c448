import ArgumentParser
import Captioning
import Commands
import Decoding
import Digests
import Foundation
import Images
import Samples
import Stages
import Tensors
import TextTokenizers
import VisionLanguage

/// Times captioning and ranking on images of noise; `scripts/bench capfilt` runs it beside transformers.
struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark", abstract: "Measure captioning and ranking on random images.", shouldDisplay: false)

    @Option(help: ArgumentHelp("The captioner's folder.", valueName: "dir")) var captioner: String
    @Option(help: ArgumentHelp("The ranker's folder.", valueName: "dir")) var ranker: String
    @Option(help: "Images per round.") var images = 8
    @Option(help: "Timed rounds, after one for warmup.") var rounds = 3
    @Option(help: "New tokens per caption.") var tokens = 12
    @Option(help: "Captions per image.") var count = 10
    @Option(help: "Where the models run.") var device = "auto"
    @Option(help: "Precision of the models.") var precision = "auto"
    @Option(help: "Threads of the models.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Images per batch on a CUDA device; by default as its memory allows.") var batch: Int?
    @Flag(help: "Do not use CUDA graphs for decoding.") var noCudaGraphs = false
    @Flag(help: "Do not use cuDNN for attention.") var noCudnnAttention = false
    @OptionGroup var logs: LogOptions

    private struct Output: Encodable {
        /// Seconds an image, of each round.
        let caption: [Double]
        let rank: [Double]
        /// Of each part, seconds an image on all engines together, of each round.
        let parts: [String: [Double]]
        /// Billions of operations a second in matrix products alone, of each round.
        let matrixLimit: [Double]
        let textTokens: [Int]
        let dtype: String
        /// Of all tokens, and of all scores to six decimals, of each round: equal where the results are.
        let tokenDigests: [String]
        let scoreDigests: [String]
        let batch: Int
    }

    func run() async throws {
        guard let precision = Precision(rawValue: precision) else { throw ValidationError("--precision: \(precision)") }
        let device = try Device(named: device)
        if noCudnnAttention { Device.avoidCuDNNAttention() }
        let engines = EnginePool(device: device, engineCount: DeviceUse.engineCount(on: device, cores: threads))
        let use = DeviceUse(of: device, batch: batch, usesGraphs: !noCudaGraphs)
        var captioner = try loadCaptioner(
            directory: captioner, CaptionRecipe(seed: 1), precision: precision, engines: engines, use: use)
        captioner.sampling.maxLength = captioner.promptCount + tokens
        captioner.sampling.minLength = captioner.sampling.maxLength
        let judge = try CLIPRanker(directory: ranker, precision: precision, engines: engines, use: use)
        // All different: equal texts of an image are computed once. The web's, the last, is a little longer.
        let colours = ["red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white", "gray"]
        let texts = (0...count).map { number in
            "a \(number < colours.count ? "large" : "small") \(colours[number % colours.count]) circle left of a small blue "
                + (number < count ? "square " : "square on on ")
        }
        let captionRequests = (0..<images).map { image in
            CaptionRequest(key: "\(image)", pixels: noise(side: captioner.view.side, seed: image))
        }
        let rankRequests = (0..<images).map { image in
            RankRequest(
                key: "\(image)", pixels: noise(side: judge.view.side, seed: image),
                captions: texts.map { "\($0)\(image % 7)" })
        }
        var (captioning, ranking, limits) = ([Double](), [Double](), [Double]())
        var parts: [String: [Double]] = [:]
        var (tokenDigests, scoreDigests) = ([String](), [String]())
        let model = captioner
        for round in 0...rounds {
            let times = PartTimes()
            let limit = try await MatrixLimit.measure(engines, precision, rows: 577)
            let (caption, captions) = try await timed {
                try await model.caption(captionRequests, count: count, times: times) {}
            }
            let (rank, scores) = try await timed { try await judge.score(rankRequests, times: times) }
            tokenDigests.append(digest(of: "\(captions.map { $0.map(\.tokens) })").hex)
            scoreDigests.append(
                digest(of: scores.joined().map { String(format: "%.6f", $0) }.joined(separator: " ")).hex)
            guard round > 0 else { continue }  // the first warms up
            captioning.append(caption / Double(images))
            ranking.append(rank / Double(images))
            limits.append(limit)
            for part in ModelPart.allCases {
                parts[part.rawValue, default: []]
                    .append(times.seconds(part) / Double(images * engines.engineCount))
            }
        }
        let tokenizer = try CLIPTokenizer(directory: ranker)
        try printResult(
            jsonLine(
                Output(
                    caption: captioning, rank: ranking, parts: parts, matrixLimit: limits,
                    textTokens: texts.map { tokenizer.encode($0 + "0").count },
                    dtype: precision == .int8 ? "int8" : precision.dtype(on: device).rawValue,
                    tokenDigests: tokenDigests, scoreDigests: scoreDigests, batch: use.batch)))
    }

    /// What `body` makes, and the seconds that it took.
    private func timed<Value>(_ body: () async throws -> Value) async rethrows -> (Double, Value) {
        let start = ContinuousClock.now
        let value = try await body()
        return ((ContinuousClock.now - start) / .seconds(1), value)
    }

    private func noise(side: Int, seed: Int) -> [UInt8] {
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        return (0..<(side * side * 3)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
