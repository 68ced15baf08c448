package import Decoding
import Digests
package import Images
import Layers
package import ModelFolders
import Samples
package import Stages
package import Tensors
import TextTokenizers
import VisionLanguage

/// Writes captions with BLIP.
package struct BLIPCaptioner: TimedCaptioner {
    package let view: ImageView
    package var sampling: SamplingOptions
    private let model: SharedWeights<BLIP>
    private let tokenizer: BERTWordPieceTokenizer
    private let input: ModelInput
    private let prompt: [Int]
    private let seed: UInt64
    private let engines: EnginePool
    private let use: DeviceUse
    private let decodings: DecodingPool

    /// What captions begin with in BLIP's training.
    ///
    /// Source: BLIP `configs/caption_coco.yaml`, `prompt`.
    package static let trainedPrompt = "a picture of "

    /// Loads the model in the folder `directory` onto the device of `engines`; blocks while it reads.
    ///
    /// `prompt` begins every caption and is not part of its text. With `seed` and a sample's key, a caption's number
    /// names the random numbers it is drawn with.
    package init(
        directory: String, prompt: String = trainedPrompt, sampling: SamplingOptions = SamplingOptions(),
        seed: UInt64, precision: Precision = .auto, engines: EnginePool, use: DeviceUse? = nil
    ) throws(ModelError) {
        let folder = try ModelDirectory(directory)
        let configuration = try folder.configuration("config.json", BLIPConfiguration.init(json:))
        view = configuration.view
        input = ModelInput(
            side: view.side, normalization: try folder.normalization(of: view), device: engines.device)
        try folder.checkGeneration()
        tokenizer = try folder.tokenizer(BERTWordPieceTokenizer.init(directory:))
        guard let tokens = promptTokens(prompt, tokenizer, configuration.text) else {
            throw ModelError.unfittingTokenizer(tokenizer.encode(prompt), configuration.text, directory)
        }
        self.prompt = tokens
        try checkFit(of: tokenizer, to: configuration.text, directory)
        try checkSampling(sampling, prompt: self.prompt.count, directory)
        let positions = configuration.text.positions
        guard sampling.maxLength <= positions else {
            throw ModelError(.badOption, directory, "max_length: the model has \(positions) positions")
        }
        let device = engines.device
        if let obstacle = precision.obstacle(on: device) { throw ModelError(.badOption, directory, obstacle) }
        model = try folder.load { checkpoint throws(WeightsError) in
            let model = try BLIP(configuration, Weights(checkpoint, precision, on: device))
            try preparing("device") { () throws(TorchError) in try device.synchronize() }
            return SharedWeights(model)
        }
        self.use = use ?? DeviceUse(of: device)
        self.sampling = sampling
        self.seed = seed
        self.engines = engines
        // Every engine decodes in memory of its own, always in the same shape.
        decodings = DecodingPool(limit: engines.engineCount)
    }

    package var promptCount: Int { prompt.count }

    package func caption(
        _ batch: [CaptionRequest], count: Int, times: PartTimes?, moved: @escaping @Sendable () -> Void
    ) async throws -> [[GeneratedCaption]] {
        try await engines.map(batch, by: use.batch) { requests in try captions(of: requests, count, times, moved) }
    }

    private func captions(
        of requests: [CaptionRequest], _ count: Int, _ times: PartTimes?, _ moved: @Sendable () -> Void
    ) throws -> [[GeneratedCaption]] {
        let streams = requests.map { request in
            (0..<count).map { RandomStream(seed: seed, key: request.key, number: $0) }
        }
        let made = try model.infer { model throws(TorchError) in
            let pixels = try input.pixels(filled(requests.map(\.pixels), to: use.batch))
            guard use.decodesOnDevice else {
                return try model.generate(
                    pixels, prompt: prompt, streams: filled(streams, to: use.batch), sampling, times: times,
                    moved: moved)
            }
            return try model.generateOnDevice(
                pixels, prompt: prompt, streams: filled(streams, to: use.batch), sampling, decodings,
                usesGraph: use.usesGraphs)
        }
        moved()
        return made.prefix(requests.count).map { captions in captions.map(text) }
    }

    /// Only new tokens are decoded; the reference decodes all and cuts the prompt's letters off, which is the same text
    /// unless the first new token is the rest of the prompt's last word.
    private func text(_ caption: GeneratedTokens) -> GeneratedCaption {
        let new = Array(caption.tokens.dropFirst(prompt.count))
        let text = tokenizer.decode(new, skipSpecialTokens: true)
        return GeneratedCaption(text: text, tokens: caption.tokens, logprob: caption.logprob)
    }
}

extension RandomStream {
    /// The stream of caption `number` of the sample `key` in a build with `seed`.
    package init(seed: UInt64, key: String, number: Int) {
        let hex = digest(of: "caption\0\(seed)\0\(key)\0\(number)").hex
        guard let key = UInt64(hex.prefix(16), radix: 16) else { preconditionFailure("a digest is hexadecimal") }
        self.init(key: key)
    }
}
