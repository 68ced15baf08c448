/// How texts are searched for by beams.
package struct BeamOptions: Sendable, Hashable {
    /// How many texts of a prompt are followed at the same time.
    package var beams: Int
    /// The sum of log-probabilities is divided by the number of new tokens, the end token counted, to this power: more than
    /// 0 favours long texts, less than 0 short ones.
    package var lengthPenalty: Double
    /// A text cannot end before it has so many tokens, those that it began with counted.
    package var minLength: Int
    /// A text ends when it has so many tokens, those that it began with counted.
    package var maxLength: Int
    /// Multiplies the log-probabilities of tokens that the text already has; 1 is off.
    package var repetitionPenalty: Double

    package init(
        beams: Int = 5, lengthPenalty: Double = 1, minLength: Int = 0, maxLength: Int = 20,
        repetitionPenalty: Double = 1
    ) {
        (self.beams, self.lengthPenalty) = (beams, lengthPenalty)
        (self.minLength, self.maxLength) = (minLength, maxLength)
        self.repetitionPenalty = repetitionPenalty
    }
}

/// A text that a search by beams found.
package struct FoundText: Sendable, Equatable {
    package let text: GeneratedTokens
    /// The sum of log-probabilities behind the filters, divided by the length to the penalty's power.
    package let score: Double

    package init(text: GeneratedTokens, score: Double) { (self.text, self.score) = (text, score) }
}
