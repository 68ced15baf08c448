import Decoding
import Images
package import LanguageModels
package import ModelFolders
package import Tensors

// Shape letters of this file: Q queries, L width of the language model's embeddings.

/// What a phase-2 model's queries say of an image: values that may travel from engine to engine.
package struct ImageQueries: Sendable {
    fileprivate let values: [Float]  // [Q, L]
    fileprivate let width: Int
}

/// Writes texts about images with a BLIP-2 model of phase 2.
///
/// Images are computed a few at a time, for what is read of the language model at each token serves all of them. They do not
/// depend on each other, but for the rounding of sums, which may differ in the last bits with the size of a batch.
package struct TextGenerator: Sendable {
    /// A prompt about an image.
    package struct Request: Sendable {
        /// Names the random numbers, together with the seed and the text's number.
        package let key: String
        package let queries: ImageQueries
        /// The prompt's tokens.
        package let prompt: [Int]

        package init(key: String, queries: ImageQueries, prompt: [Int]) {
            (self.key, self.queries, self.prompt) = (key, queries, prompt)
        }
    }

    package let model: GenerationModel
    private let input: ModelInput
    private let engines: EnginePool
    private let batch: Int

    /// Loads the model in the folder `directory` onto the device of `engines`; blocks while it reads.
    ///
    /// At most `batch` images are computed at once.
    package init(
        directory: String, precision: Precision = .auto, engines: EnginePool, batch: Int = 8
    ) throws(ModelError) {
        model = try GenerationModel(directory: directory, precision: precision, on: engines.device)
        input = ModelInput(side: model.view.side, normalization: model.normalization, device: engines.device)
        self.engines = engines
        self.batch = batch
    }

    /// How many of `count` images are computed at once: all engines get some.
    private func size(for count: Int) -> Int {
        max(1, min(batch, (count + engines.engineCount - 1) / engines.engineCount))
    }

    /// What the queries say of images as the model sees them, RGB8, behind `prompt`, which is read where the Q-Former reads
    /// text.
    package func describe(_ images: [[UInt8]], prompt: [Int]) async throws -> [ImageQueries] {
        let instruction = model.instruction(of: prompt)
        return try await engines.map(images, by: size(for: images.count)) { images in
            try model.infer { parts throws(TorchError) in
                let queries = try parts.describe(
                    input.pixels(images), instructions: instruction.map { [[Int]](repeating: $0, count: images.count) })
                let (values, width) = (try queries.to(.float32, on: .cpu).floats(), queries.shape[2])
                let size = values.count / images.count
                return (0..<images.count).map {
                    ImageQueries(values: Array(values[$0 * size..<($0 + 1) * size]), width: width)
                }
            }
        }
    }

    /// `count` texts for each of `requests`, best first, in the same order; by beams at most as many as there are.
    ///
    /// `took` is called at every step, from any thread, with the texts that got a token, counted through the requests that are
    /// computed together, and the tokens.
    package func generate(
        _ requests: [Request], _ options: GenerationOptions, count: Int = 1, seed: UInt64 = 0,
        took: @escaping @Sendable ([(text: Int, token: Int)]) -> Void = { _ in }
    ) async throws -> [[GeneratedText]] {
        for request in requests {
            try model.requireRoom(prompt: request.prompt.count, newTokens: options.maxNewTokens)
        }
        return try await engines.map(requests, by: size(for: requests.count)) { requests in
            let streams = requests.map { request in
                (0..<count).map { RandomStream(seed: seed, key: request.key, number: $0) }
            }
            return try model.infer { parts throws(TorchError) in
                var queries: [Tensor] = []
                for said in requests.map(\.queries) {
                    let shape = [1, said.values.count / said.width, said.width]
                    queries.append(try Tensor(said.values, shape: shape).to(.float32, on: engines.device))
                }
                return try parts.generate(
                    concatenated(queries, dimension: 0), prompts: requests.map(\.prompt), streams: streams, options,
                    took: took)
            }
        }
    }
}
