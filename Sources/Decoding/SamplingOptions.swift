/// How captions are drawn; the defaults are those of BLIP's nucleus sampling.
package struct SamplingOptions: Sendable, Hashable {
    /// The share of probability kept, likeliest tokens first, 0 to 1; 1 is off.
    package var topP: Double
    /// How many of the likeliest tokens are kept, with those that tie with the last; 0 is off.
    package var topK: Int
    /// A caption cannot end before it has so many tokens, the prompt's counted.
    package var minLength: Int
    /// A caption ends when it has so many tokens, the prompt's counted.
    package var maxLength: Int
    /// Divides positive and multiplies negative logits of tokens that the caption already has; 1 is off.
    package var repetitionPenalty: Double
    /// Take the likeliest token instead of drawing; `topP` and `topK` then play no part.
    package var greedy: Bool

    package init(
        topP: Double = 0.9, topK: Int = 50, minLength: Int = 5, maxLength: Int = 20, repetitionPenalty: Double = 1.1,
        greedy: Bool = false
    ) {
        self.topP = topP
        self.topK = topK
        self.minLength = minLength
        self.maxLength = maxLength
        self.repetitionPenalty = repetitionPenalty
        self.greedy = greedy
    }
}
