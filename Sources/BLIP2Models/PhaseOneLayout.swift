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

    private static let renames = [
        ("vision_projection.", "vision_proj."), ("text_projection.", "text_proj."),
        ("vision_model.post_layernorm.", "ln_vision."), ("embeddings.", "Qformer.bert.embeddings."),
        ("qformer.layernorm.", "Qformer.bert.embeddings.LayerNorm."), ("qformer.encoder.", "Qformer.bert.encoder."),
        ("cls.", "Qformer.cls."),
    ]

    /// Phase 1's `parameters`, given by the hub's names, as this layout has them, to be written to `model.safetensors`.
    ///
    /// LAVIS's also holds the head's copies of the word table and its bias. The hub's holds a frozen image encoder too:
    /// `ImageEncoderConfiguration.hubTensors` gives it.
    package func tensors(_ parameters: [String: Tensor]) -> [PendingTensor] {
        precondition(self != .bert, "a Q-Former is more than a BERT")
        var tensors = parameters
        if self == .lavis {
            tensors["cls.predictions.decoder.weight"] = parameters["embeddings.word_embeddings.weight"]
            tensors["cls.predictions.decoder.bias"] = parameters["cls.predictions.bias"]
        }
        return tensors.sorted { $0.key < $1.key }.map { hub, tensor in
            PendingTensor(name: name(hub), dtype: tensor.dtype, shape: tensor.shape) {
                try tensor.detached().bytes()
            }
        }
    }
}
