import Foundation
package import Layers
import RandomNumbers
package import Tensors

/// Where the parameters of a phase-1 model come from when its training starts.
package enum PhaseOneStart {
    /// A trained phase-1 model, in the hub's layout or LAVIS's.
    ///
    /// What transformers' class lacks, the language model's head and the temperature, is taken from `head`, a BERT, where
    /// the model has none.
    case model(Checkpoint, head: Checkpoint? = nil)
    /// A BERT as the paper starts from, with its head for masked words; the queries' feed-forwards are copies of the text's,
    /// and all that a BERT does not have is drawn from `seed`.
    case bert(Checkpoint, seed: UInt64)
    /// Nothing: all is drawn from `seed`.
    case nothing(seed: UInt64)

    /// The parameters of `configuration`'s model, by the hub's names.
    ///
    /// Throws where a checkpoint does not have what is needed, or has another size.
    package func tensors(_ configuration: BLIP2Configuration) throws(WeightsError) -> [String: Tensor] {
        let recording = Weights.recording()
        _ = try PhaseOneModel(configuration, recording)
        var tensors: [String: Tensor] = [:]
        let width = configuration.qformer.width
        for (name, shape) in recording.recorded { tensors[name] = try tensor(name, shape, width: width) }
        if case .model(let model, _) = self {
            try (PhaseOneLayout(of: model) ?? .hub).checkAll(of: model, Set(tensors.keys))
        }
        return tensors
    }

    private func tensor(_ name: String, _ shape: [Int], width: Int) throws(WeightsError) -> Tensor {
        switch self {
        case .nothing(let seed):
            // 0.02 at BERT-base's width of 768, more at smaller ones: what a layer makes of its input is as large at each.
            return try drawn(name, shape, width: width, seed, deviation: 0.02 * (768 / Double(width)).squareRoot())
        case .bert(let bert, let seed):
            if let found = try fromBERT(bert, name, shape, width: width, seed) { return found }
            return try drawn(name, shape, width: width, seed)
        case .model(let model, let head):
            let layout = PhaseOneLayout(of: model) ?? .hub
            guard layout != .bert else {
                throw missing(model, name, "this is a BERT, not a trained Q-Former: start from it as a BERT")
            }
            let own = layout.name(name)
            if model.shape(of: own) == nil, name.hasPrefix("cls.") || name == "temp" {
                guard let head else {
                    throw missing(
                        model, own, "transformers keeps no head of the language model: name a BERT to take it from")
                }
                if let found = try fromBERT(head, name, shape, width: width, 0) { return found }
                return try drawn(name, shape, width: width, 0)
            }
            return try Weights(model, DType.float32, on: .cpu).tensor(own, shape)
        }
    }

    private func missing(_ checkpoint: Checkpoint, _ name: String, _ message: String) -> WeightsError {
        WeightsError(code: .missing, file: checkpoint.file(of: name), key: name, message: message)
    }

    /// The parameter of BERT's that the hub's `name` starts from; nil where a BERT has none.
    private func fromBERT(
        _ bert: Checkpoint, _ name: String, _ shape: [Int], width: Int, _ seed: UInt64
    ) throws(WeightsError) -> Tensor? {
        var own = PhaseOneLayout.bert.name(name)
        guard !own.contains("crossattention"), own.hasPrefix("bert.") || own.hasPrefix("cls.") else { return nil }
        // Checkpoints that came from TensorFlow have its names for scale and shift.
        for (now, before) in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]
        where own.hasSuffix(now) && bert.shape(of: own) == nil {
            let old = String(own.dropLast(now.count)) + before
            if bert.shape(of: old) != nil { own = old }
        }
        let weights = Weights(bert, DType.float32, on: .cpu)
        let (stored, rows) = (bert.shape(of: own), shape.first ?? 0)
        let count = stored?.first ?? rows
        guard let stored, count != rows, stored.dropFirst() == shape.dropFirst() else {
            return try weights.tensor(own, shape)
        }
        let found = try weights.tensor(own, stored)
        if own.contains("position_embeddings"), count > rows {
            return try preparing(own) { () throws(TorchError) in try found.narrowed(0, 0..<rows) }
        }
        // Words that BERT does not know, such as [DEC], are drawn; their bias is 0.
        guard own.contains("word_embeddings") || own == "cls.predictions.bias", count < rows else {
            return try weights.tensor(own, shape)
        }
        let others = try drawn(name, [rows - count] + shape.dropFirst(), width: width, seed)
        return try preparing(own) { () throws(TorchError) in try concatenated([found, others], dimension: 0) }
    }

    /// A parameter as it is before training: norms 1 and 0, the temperature 0.07, the projections and the matching head
    /// uniform up to one over the root of their inputs, all other weights normal with `deviation`, biases 0.
    ///
    /// Source: LAVIS `blip2.py`, `Blip2Base.init_Qformer`; `Qformer.py`, `_init_weights`; PyTorch's `nn.Linear`.
    private func drawn(
        _ name: String, _ shape: [Int], width: Int, _ seed: UInt64, deviation: Double = 0.02
    ) throws(WeightsError) -> Tensor {
        let (count, key) = (shape.reduce(1, *), SplitMix64.mixed(nameHash(name, from: seed ^ 0xcbf2_9ce4_8422_2325)))
        let isNorm = name.contains("LayerNorm.") || name.contains("layernorm.")
        let isHead = Self.uniform.contains { name.hasPrefix($0) }
        let values: [Float]
        if name == "temp" {
            values = [0.07]
        } else if isHead {
            // Their inputs are the Q-Former's states.
            let bound = 1 / Double(width).squareRoot()
            values = (0..<count).map {
                Float((2 * SplitMix64.number($0, from: key).unitInterval - 1) * bound)
            }
        } else if isNorm || name.hasSuffix(".bias") {
            values = [Float](repeating: isNorm && name.hasSuffix(".weight") ? 1 : 0, count: count)
        } else {
            values = normal(count, key, deviation: deviation)
        }
        return try preparing(name) { () throws(TorchError) in try Tensor(values, shape: shape) }
    }

    private static let uniform = ["vision_projection.", "text_projection.", "itm_head."]

    /// Normal numbers, two at a time after Box and Muller.
    private func normal(_ count: Int, _ key: UInt64, deviation: Double) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        for pair in 0..<(count + 1) / 2 {
            let first = 1 - SplitMix64.number(2 * pair, from: key).unitInterval  // above 0
            let angle = 2 * Double.pi * SplitMix64.number(2 * pair + 1, from: key).unitInterval
            let length = (-2 * log(first)).squareRoot() * deviation
            values[2 * pair] = Float(length * cos(angle))
            if 2 * pair + 1 < count { values[2 * pair + 1] = Float(length * sin(angle)) }
        }
        return values
    }
}
