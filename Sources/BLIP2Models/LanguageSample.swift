package import LanguageModels

/// One text as phase 2 trains it: what the language model is given behind the queries, and what it is to write.
package struct LanguageSample: Sendable, Equatable {
    /// Tokens that are given: a prompt, or the first part of a caption.
    package let given: [Int]
    /// What is to be written, the end token among it.
    package let target: TargetText

    package init(given: [Int], target: TargetText) { (self.given, self.target) = (given, target) }

    /// How many tokens are asked for.
    package var targetCount: Int { target.askedCount }

    /// The same without the first token that would be asked for right behind the queries: without an image there is nothing
    /// to ask it of.
    package var behindFirstToken: LanguageSample {
        guard given.isEmpty, let first = target.tokens.first else { return self }
        return LanguageSample(given: [first], target: target.behindFirstToken)
    }
}
