package import BLIP2Models
package import Images
package import ModelFolders
package import Stages
package import Tensors
import VisionLanguage

/// What a phase-1 model's score of a caption is.
package enum PhaseOneScore: String, Sendable, CaseIterable {
    /// The best query's cosine, −1 to 1.
    case itc
    /// The mean logit of "matched".
    case itm
    /// Both added.
    case sum
}

extension PairScores {
    /// The one that `score` names.
    package subscript(score: PhaseOneScore) -> Double {
        switch score {
        case .itc: itc
        case .itm: itm
        case .sum: sum
        }
    }
}

/// Judges captions with a BLIP-2 model of phase 1.
package struct PhaseOneRanker: Ranker {
    package let view: ImageView
    private let model: RetrievalModel
    private let input: ModelInput
    private let score: PhaseOneScore
    private let engines: EnginePool
    private let use: DeviceUse

    /// Loads the model in the folder `directory` onto the device of `engines`; blocks while it reads.
    package init(
        directory: String, score: PhaseOneScore = .itc, precision: Precision = .auto, engines: EnginePool,
        use: DeviceUse? = nil
    ) throws(ModelError) {
        model = try RetrievalModel(directory: directory, precision: precision, on: engines.device)
        view = model.view
        input = ModelInput(side: view.side, normalization: model.normalization, device: engines.device)
        (self.score, self.engines) = (score, engines)
        self.use = use ?? DeviceUse(of: engines.device)
    }

    /// The chosen score of each caption of each request, in the same order.
    package func score(
        _ batch: [RankRequest], moved: @escaping @Sendable () -> Void = {}
    ) async throws -> [[Double]] {
        let judged = try await judge(batch, itc: score != .itm, itm: score != .itc, moved: moved)
        return judged.map { scores in scores.map { $0[score] } }
    }

    /// Both judgements of each caption of each request, in the same order; one that is not asked for is 0.
    ///
    /// Images are encoded in batches of one size; each is judged with its own captions alone, so that no score depends on
    /// the other images.
    package func judge(
        _ batch: [RankRequest], itc: Bool = true, itm: Bool = true, moved: @escaping @Sendable () -> Void = {}
    ) async throws -> [[PairScores]] {
        try await engines.map(batch, by: use.batch) { requests in
            try model.infer { parts throws(TorchError) in
                let pixels = try input.pixels(filled(requests.map(\.pixels), to: use.batch))
                let seen = try parts.model.see(parts.encoder(pixels))
                let vectors = itc ? try parts.model.look(seen).vectors.to(.float32, on: .cpu) : nil
                var judged: [[PairScores]] = []
                for (number, request) in requests.enumerated() {
                    let texts = UniqueTexts([request.captions.map(model.tokens)])
                    let cosines = try vectors.map { vectors throws(TorchError) in
                        try Self.cosines(
                            vectors.narrowed(0, number..<number + 1), parts.model.textVectors(texts.unique))
                    }
                    let logits = itm ? try parts.model.matchLogits(seen.selecting([number]), texts.unique) : nil
                    judged.append(
                        texts.indices[0].map {
                            PairScores(itc: cosines?[$0] ?? 0, itm: Double(logits?[$0] ?? 0))
                        })
                    moved()
                }
                return judged
            }
        }
    }

    /// The cosine of each of `texts` and of the query nearest to it; `queries` are an image's `[1, Q, J]`.
    private static func cosines(_ queries: Tensor, _ texts: [[Float]]) throws(TorchError) -> [Double] {
        let (values, width) = (try queries.floats(), queries.shape[2])
        return texts.map { text in
            stride(from: 0, to: values.count, by: width).map { start in
                zip(values[start..<start + width], text).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }.max() ?? 0
        }
    }
}
