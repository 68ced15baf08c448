package import Layers
package import Tensors

/// The two families of language models behind a Q-Former.
package enum LanguageModelFamily: String, Sendable, CaseIterable {
    /// Decoder only, by its own words.
    case opt
    /// Encoder and decoder.
    case t5

    /// The parameters that files may leave out, for each is another one's copy: what it is called, and the other one.
    ///
    /// Names are those of transformers' `OPTForCausalLM` and `T5ForConditionalGeneration`. T5's head is its own in all
    /// FlanT5: it is no copy where a file has it.
    package var copies: [String: String] {
        switch self {
        case .opt: ["lm_head.weight": "model.decoder.embed_tokens.weight"]
        case .t5:
            ["encoder.embed_tokens.weight": "shared.weight", "decoder.embed_tokens.weight": "shared.weight"]
        }
    }
}

/// How a checkpoint names the parameters of a BLIP-2 with a language model: of phase 2, or fine-tuned.
package enum PhaseTwoLayout: Sendable, Equatable {
    /// transformers' `Blip2ForConditionalGeneration`; what that class lacks has the names of `PhaseOneLayout.hub`.
    case hub
    /// LAVIS's `Blip2OPT` or `Blip2T5`.
    case lavis(LanguageModelFamily)

    /// The layout of `checkpoint`; nil where it has no projection into a language model.
    package init?(of checkpoint: Checkpoint) {
        let projection = "language_projection.weight"
        let all = [Self.hub] + LanguageModelFamily.allCases.map(Self.lavis)
        guard let found = all.first(where: { checkpoint.shape(of: $0.name(projection)) != nil }) else { return nil }
        self = found
    }

    /// What this layout calls the parameter that the hub calls `name`; an image encoder's are named by its own layout.
    package func name(_ name: String) -> String {
        guard case .lavis(let family) = self else { return name }
        for (hub, lavis) in Self.parts where name.hasPrefix(hub) {
            return family.rawValue + lavis + name.dropFirst(hub.count)
        }
        return PhaseOneLayout.lavis.name(name)
    }

    /// What the hub calls the parameter that this layout calls `own`; nil where a BLIP-2 has nothing of that name.
    ///
    /// The names of image encoders in LAVIS's and the originals' layouts stay as they are.
    package func hubName(_ own: String) -> String? {
        switch self {
        case .hub: return PhaseOneLayout.isHubName(own) || Self.isLanguage(own) ? own : nil
        case .lavis(let family):
            for (hub, lavis) in Self.parts where own.hasPrefix(family.rawValue + lavis) {
                return hub + own.dropFirst(family.rawValue.count + lavis.count)
            }
            return PhaseOneLayout.lavis.hubName(own)
        }
    }

    /// Whether the hub's `name` is one of a part that phase 2 does not train, so that a run's own file may lack it.
    package static func isFrozen(_ name: String) -> Bool {
        name.hasPrefix("language_model.") || PhaseOneLayout.isImageEncoder(name)
    }

    /// `checkpoint` by the hub's names, without what is known to change nothing.
    ///
    /// - Throws: Where it holds something that no BLIP-2 has, by its own name.
    package func hubCheckpoint(of checkpoint: Checkpoint) throws(WeightsError) -> Checkpoint {
        for own in checkpoint.names where hubName(own) == nil && !PhaseOneLayout.isHarmless(own) {
            throw WeightsError(
                code: .unexpected, file: checkpoint.file(of: own), key: own,
                message: "not a parameter of a BLIP-2 with a language model")
        }
        return checkpoint.renamed { PhaseOneLayout.isHarmless($0) ? nil : hubName($0) }
    }

    /// `parameters`, given by the hub's names, as this layout has them, to be written; copies are left out, as transformers
    /// leaves them out.
    package func tensors(_ parameters: [String: Tensor], _ family: LanguageModelFamily) -> [PendingTensor] {
        let copies = Set(family.copies.keys.map { "language_model." + $0 })
        return parameters.filter { !copies.contains($0.key) }.sorted { $0.key < $1.key }.map { hub, tensor in
            PendingTensor(name: name(hub), dtype: tensor.dtype, shape: tensor.shape) {
                try tensor.detached().bytes()
            }
        }
    }

    private static func isLanguage(_ name: String) -> Bool { parts.contains { name.hasPrefix($0.hub) } }

    private static let parts: [(hub: String, lavis: String)] = [
        ("language_projection.", "_proj."), ("language_model.", "_model."),
    ]
}
