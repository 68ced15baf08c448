import Foundation
package import LanguageModels
import Layers
import Loading
package import ModelFolders
package import Tensors
import TextTokenizers
package import Training

/// The words of a text, one after the other: causal language modelling for OPT, prefix language modelling for T5.
///
/// Source: Raffel et al., "Exploring the limits of transfer learning", 2020, section 3.2, for the latter.
package struct LanguageObjective: Objective {
    package let directory: ModelDirectory
    package let configuration: LanguageModelConfiguration
    private let samples: LineSamples

    /// Training of the model in the folder `directory` on lines of at most `longest` tokens.
    package init(directory path: String, longest: Int) throws(ModelError) {
        directory = try ModelDirectory(path)
        configuration = try directory.configuration("config.json", LanguageModelConfiguration.init(json:))
        let tokenizer = try directory.tokenizer(loadLanguageTokenizer(directory:))
        guard tokenizer.idLimit <= configuration.vocabulary else {
            throw ModelError(
                .badTokenizer, path,
                "it has \(tokenizer.idLimit) tokens, but the model has \(configuration.vocabulary)")
        }
        if case .opt(let opt) = configuration, opt.positions < longest {
            throw ModelError(
                .badOption, path, "the model has \(opt.positions) positions, too few for texts of \(longest) tokens")
        }
        samples = LineSamples(
            tokenizer, isDecoder: configuration.isDecoder, endToken: configuration.endToken, limit: longest)
    }

    package func tokens(of line: String) -> [Int] { samples.tokens(of: line) }

    package func model(on device: Device) throws -> any TrainingModel {
        try directory.load { checkpoint throws(WeightsError) in
            let copies = try configuration.copiedHead(checkpoint)
            let weights = Weights(training: checkpoint, on: device, hiding: copies)
            let model = try configuration.model(weights)
            try weights.finish { copies.contains($0) || configuration.isHarmless($0) }
            return LanguageTraining(model: model, parameters: weights.parameters, samples: samples, device: device)
        }
    }
}

extension LanguageModelConfiguration {
    /// The head's name where a checkpoint of a model whose head is its word table holds that twice: in training there is one.
    fileprivate func copiedHead(_ checkpoint: Checkpoint) throws(WeightsError) -> Set<String> {
        let (name, isTied) =
            switch self {
            case .opt(let opt): ("decoder.embed_tokens.weight", opt.isTied)
            case .t5(let t5): ("shared.weight", t5.isTied)
            }
        let head = "lm_head.weight"
        guard isTied, checkpoint.shape(of: head) != nil,
            let words = [name, "model." + name].first(where: { checkpoint.shape(of: $0) != nil })
        else { return [] }
        do {
            let (own, table) = (try checkpoint.tensor(head), try checkpoint.tensor(words))
            guard own.shape == table.shape else { return [] }
            return try own.isEqual(to: table.to(own.dtype)).isAllTrue() ? [head] : []
        } catch {
            throw WeightsError(code: .unreadable, file: checkpoint.file(of: head), key: head, message: "\(error)")
        }
    }
}

/// A language model in training.
private struct LanguageTraining: TrainingModel {
    let model: any LanguageModel
    let parameters: Parameters
    let samples: LineSamples
    let device: Device

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        let keys = pass.context.keys("prefix of a line")
        let texts = zip(batch.tokens, keys).map { samples.sample($0[0], key: $1) }
        let own = Float(texts.reduce(0) { $0 + $1.target.askedCount })
        let count = try Tensor([own], shape: [1]).to(.float32, on: device)
        if pass.group.count > 1 { try pass.group.sum([count]) }
        return try pass.only(
            model.loss(
                model.embed(texts.map(\.given)), texts.map(\.target), divisor: Double(count.floats()[0])))
    }
}
