/// What of phase 2 is not in its models: how texts become samples, and how its loss is computed.
package struct PhaseTwoOptions: Sendable, Equatable {
    /// Which part of a caption the language model is given where it has an encoder.
    package enum Split: String, Sendable, CaseIterable {
        /// The first words, as many as are drawn anew for each sample: at least one, at most half of them.
        case prefix
        /// The prompt; the whole caption is to be written.
        case prompt
    }

    /// Into how many micro-batches each process divides its part of a batch; loss and gradients are the same.
    package var microBatches: Int
    /// The most tokens of a text that is given, and of one that is written.
    package var textTokens: Int
    /// What stands before every caption, or around every question: `{}` stands for it.
    package var prompt: String
    package var split: Split
    /// Texts behind the first of which a caption that has one is split, whatever `split` says, and whether or not the language
    /// model has an encoder: what stands up to its end is given, what stands behind it is to be written.
    package var splitAfter: [String]
    /// Which mean over the targets is taken.
    package var textMean: PhaseOneOptions.TextMean
    /// Whether the language model's activations are computed anew in the backward pass instead of kept.
    package var recomputes: Bool

    package init(
        microBatches: Int = 1, textTokens: Int = 32, prompt: String = "", split: Split = .prefix,
        splitAfter: [String] = [], recomputes: Bool = false, textMean: PhaseOneOptions.TextMean = .global
    ) {
        (self.microBatches, self.textTokens, self.prompt) = (microBatches, textTokens, prompt)
        (self.split, self.splitAfter) = (split, splitAfter)
        (self.recomputes, self.textMean) = (recomputes, textMean)
    }
}
