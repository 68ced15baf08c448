import Foundation
import Layers
package import Tensors

/// How a checkpoint names the parameters of a phase-1 model.
package enum PhaseOneLayout: Sendable, Equatable {
    /// transformers' `Blip2ForImageTextRetrieval`; what that class lacks has LAVIS's names, without `Qformer.`.
    case hub
    /// LAVIS's `Blip2Qformer`.
    case lavis
    /// transformers' BERT with its heads, which has a part of a Q-Former's.
    case bert

    /// The layout of `checkpoint`; nil where it is none of them.
    package init?(of checkpoint: Checkpoint) {
        let query = "qformer.encoder.layer.0.attention.attention.query.weight"
        for layout in [Self.hub, .lavis, .bert] where checkpoint.shape(of: layout.name(query)) != nil {
            self = layout
            return
        }
        return nil
    }

    /// What this layout calls the parameter that the hub calls `name`.
    ///
    /// BERT's has the name of the text's feed-forward for that of the queries, which starts as its copy.
    package func name(_ name: String) -> String {
        if self == .hub { return name }
        var own = name
        for (hub, lavis) in Self.renames where own.hasPrefix(hub) {
            own = lavis + own.dropFirst(hub.count)
            break
        }
        if own.hasPrefix("Qformer.bert.encoder.") {
            own = own.replacing("attention.attention.", with: "attention.self.")
        }
        guard self == .bert else { return own }
        own = own.replacing("intermediate_query.", with: "intermediate.").replacing("output_query.", with: "output.")
        return own.hasPrefix("Qformer.") ? String(own.dropFirst("Qformer.".count)) : own
    }

    /// What the hub calls the parameter that this layout calls `own`; nil where a phase-1 model has nothing of that name.
    ///
    /// An image encoder's names stay as they are: its own layout reads them.
    package func hubName(_ own: String) -> String? {
        precondition(self != .bert, "a BERT's names stand for several parameters each")
        if Self.isImageEncoder(own) || Self.isUnchanged(own) { return own }
        if self == .hub { return Self.isHubName(own) ? own : nil }
        // The longest names first: some begin with others.
        for (hub, lavis) in Self.renames.sorted(by: { $0.1.count > $1.1.count }) where own.hasPrefix(lavis) {
            let name = hub + own.dropFirst(lavis.count)
            return hub == "qformer.encoder." ? name.replacing("attention.self.", with: "attention.attention.") : name
        }
        return nil
    }

    /// Whether `name` begins as the hub's names of a phase-1 model do, those with LAVIS's names among them.
    static func isHubName(_ name: String) -> Bool {
        isUnchanged(name) || (renames.map(\.0) + ["vision_model."]).contains(where: name.hasPrefix)
    }

    /// Whether `name`, in any layout, is one of the frozen image encoder's; the norm behind it is not.
    static func isImageEncoder(_ name: String) -> Bool {
        name.hasPrefix("visual_encoder.")
            || name.hasPrefix("vision_model.") && !name.hasPrefix("vision_model.post_layernorm.")
    }

    /// Whether a checkpoint may hold `name` though nothing is done with it: tables of positions' numbers.
    static func isHarmless(_ name: String) -> Bool { name.hasSuffix(".position_ids") }

    /// Refuses what `checkpoint` holds beside the `parameters` of a phase-1 model, given by the hub's names, and a copy that is
    /// none.
    func checkAll(of checkpoint: Checkpoint, _ parameters: Set<String>) throws(WeightsError) {
        for own in checkpoint.names where !Self.isHarmless(own) && !Self.isImageEncoder(own) {
            if let copied = Self.copies[own].map(name), self == .lavis {
                guard try isSame(own, copied, checkpoint) else {
                    throw unexpected(own, checkpoint, "not equal to \(copied), whose copy it should be")
                }
                continue
            }
            guard hubName(own).map(parameters.contains) == true else {
                throw unexpected(own, checkpoint, "not a parameter of a phase-1 model of this size")
            }
        }
    }

    private func isSame(_ one: String, _ other: String, _ checkpoint: Checkpoint) throws(WeightsError) -> Bool {
        guard let shape = checkpoint.shape(of: one), checkpoint.shape(of: other) == shape else { return false }
        let weights = Weights(checkpoint, DType.float32, on: .cpu)
        let tensors = (try weights.tensor(one, shape), try weights.tensor(other, shape))
        return try preparing(one, of: checkpoint.file(of: one)) { () throws(TorchError) in
            try tensors.0.bytes() == tensors.1.bytes()
        }
    }

    private func unexpected(_ name: String, _ checkpoint: Checkpoint, _ message: String) -> WeightsError {
        WeightsError(code: .unexpected, file: checkpoint.file(of: name), key: name, message: message)
    }

    /// The head's copies in LAVIS's files, and the hub's names of what they are copies of.
    private static let copies = [
        "Qformer.cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "Qformer.cls.predictions.decoder.bias": "cls.predictions.bias",
    ]

    /// Whether both layouts have `name`.
    private static func isUnchanged(_ name: String) -> Bool {
        ["query_tokens", "temp"].contains(name) || name.hasPrefix("itm_head.")
    }

    private static let renames = [
        ("vision_projection.", "vision_proj."), ("text_projection.", "text_proj."),
        ("vision_model.post_layernorm.", "ln_vision."), ("embeddings.", "Qformer.bert.embeddings."),
        ("qformer.layernorm.", "Qformer.bert.embeddings.LayerNorm."), ("qformer.encoder.", "Qformer.bert.encoder."),
        ("cls.", "Qformer.cls."),
    ]

    /// Phase 1's `parameters`, given by the hub's names, as this layout has them, to be written to `model.safetensors`.
    ///
    /// The hub's holds a frozen image encoder too: `ImageEncoderConfiguration.hubTensors` gives it.
    package func tensors(_ parameters: [String: Tensor]) -> [PendingTensor] {
        named(parameters).sorted { $0.key < $1.key }.map { name, tensor in
            PendingTensor(name: name, dtype: tensor.dtype, shape: tensor.shape) {
                try tensor.detached().bytes()
            }
        }
    }

    /// Phase 1's `parameters`, given by the hub's names, by this layout's.
    ///
    /// LAVIS's also holds the head's copies of the word table and its bias.
    func named(_ parameters: [String: Tensor]) -> [String: Tensor] {
        precondition(self != .bert, "a Q-Former is more than a BERT")
        var tensors: [String: Tensor] = [:]
        for (hub, tensor) in parameters { tensors[name(hub)] = tensor }
        if self == .lavis {
            for (copy, hub) in Self.copies { tensors[copy] = parameters[hub] }
        }
        return tensors
    }
}
