/// What of phase 1 is not in its models: how its losses are computed.
package struct PhaseOneOptions: Sendable, Equatable {
    /// Which mean over the targets of generation is taken.
    package enum TextMean: String, Sendable, CaseIterable {
        /// That over the targets of the whole global batch.
        case global
        /// The mean over the processes of each one's own mean, as LAVIS takes it: other numbers of processes give other
        /// losses.
        case processes
    }

    /// What becomes of other pairs of an image in a batch.
    package enum SameImage: String, Sendable, CaseIterable {
        /// They are left out of the contrastive loss.
        case leftOut
        /// Their texts belong to the image too: they share the target.
        case shared
    }

    /// Into how many micro-batches each process divides its part of a batch; losses and gradients are the same.
    package var microBatches: Int
    /// The share of the target that is spread over all candidates, and over the vocabulary.
    package var smoothing: Double
    package var textMean: TextMean
    /// The most tokens of a text, the first and the last counted.
    package var textTokens: Int
    /// What stands before every caption.
    package var prompt: String
    package var sameImage: SameImage

    package init(
        microBatches: Int = 1, smoothing: Double = 0.1, textMean: TextMean = .global, textTokens: Int = 32,
        prompt: String = "", sameImage: SameImage = .leftOut
    ) {
        (self.microBatches, self.smoothing, self.textMean) = (microBatches, smoothing, textMean)
        (self.textTokens, self.prompt, self.sameImage) = (textTokens, prompt, sameImage)
    }
}
