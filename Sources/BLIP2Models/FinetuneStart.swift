import LanguageModels
package import Layers
package import Tensors

/// Where the parameters of a BLIP-2 with a language model come from when its fine-tuning starts: a phase-2 model, and for
/// questions the phase-1 model before it, for phase 2 drops what a Q-Former reads text with.
///
/// Source: LAVIS issue 344: words, positions and the text's feed-forwards come from phase 1.
package struct FinetuneStart {
    private let phaseTwo: Checkpoint
    private let phaseOne: Checkpoint?

    /// Starts from `phaseTwo`, in the hub's layout; what it lacks of a Q-Former that reads text is `phaseOne`'s.
    package init(_ phaseTwo: Checkpoint, text phaseOne: Checkpoint? = nil) {
        (self.phaseTwo, self.phaseOne) = (phaseTwo, phaseOne)
    }

    /// The parameters of `configuration`'s model, by the hub's names, without the image encoder's.
    ///
    /// Throws where a checkpoint lacks one, or has another size of it.
    package func tensors(_ configuration: PhaseTwoConfiguration) throws(WeightsError) -> [String: Tensor] {
        let recording = Weights.recording()
        _ = try PhaseTwoModel(configuration, recording)
        var tensors: [String: Tensor] = [:]
        for (name, shape) in recording.recorded {
            if phaseTwo.shape(of: name) == nil, Self.isText(name), let phaseOne {
                let layout = PhaseOneLayout(of: phaseOne) ?? .hub
                tensors[name] = try Weights(phaseOne, DType.float32, on: .cpu).tensor(layout.name(name), shape)
            } else {
                tensors[name] = try Weights(phaseTwo, DType.float32, on: .cpu).tensor(name, shape)
            }
        }
        return tensors
    }

    /// Whether a Q-Former that reads no text has no parameter of the hub's `name`.
    private static func isText(_ name: String) -> Bool {
        name.hasPrefix("embeddings.") || name.contains(".intermediate.") || isTextOutput(name)
    }

    /// The feed-forward's second map and norm, not attention's.
    private static func isTextOutput(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        return parts.count > 4 && name.hasPrefix("qformer.encoder.layer.") && parts[4] == "output"
    }
}
