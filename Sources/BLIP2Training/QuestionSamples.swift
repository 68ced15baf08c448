import BLIP2Models
import LanguageModels
import Loading
import ModelFolders
import TextTokenizers

/// How questions and answers become what the Q-Former reads, what the language model is given, and what it is to write.
///
/// Source: Li et al., "BLIP-2", 2023, section 4.3; LAVIS `blip2_t5_instruct.py`, `Blip2T5Instruct.generate`, whose Q-Former
/// reads the prompt that the language model is given.
struct QuestionSamples: Sendable {
    private let tokenizer: any LanguageTokenizer
    private let reader: InstructionReader
    private let isDecoder: Bool
    private let endToken: Int
    private let prompt: String
    private let limit: Int

    /// Samples for the language model that `language` describes and a Q-Former that reads by `reader`.
    init(
        _ tokenizer: any LanguageTokenizer, _ language: LanguageModelConfiguration, _ reader: InstructionReader,
        _ options: PhaseTwoOptions
    ) {
        (self.tokenizer, self.reader) = (tokenizer, reader)
        (isDecoder, endToken) = (language.isDecoder, language.endToken)
        (prompt, limit) = (options.prompt, options.textTokens)
    }

    /// The rows of `questions`, one for each image: one for every answer, in order.
    ///
    /// A text's loss counts as much as its answer's share, times what its set's answers weigh. It is divided by the shares
    /// alone: a weight below 1 makes a set's part smaller, also in a batch of that set alone.
    func texts(of questions: [ShownQuestion]) -> StepTexts {
        var (samples, images, instructions): ([LanguageSample], [Int], [[Int]]) = ([], [], [])
        var targets = 0.0
        for (image, question) in questions.enumerated() {
            let given = prompt(of: question.text)
            instructions.append(reader(given.text))
            for answer in question.answers {
                let sample = sample(
                    given.tokens, given.text, answer.text, weight: answer.share * question.weight)
                targets += answer.share * Double(sample.targetCount)
                samples.append(sample)
                images.append(image)
            }
        }
        return StepTexts(samples, images: images, instructions: instructions, targets: targets)
    }

    /// The prompt of a question, without a space at its end, and its tokens; of a question that is too long the last words
    /// are left out.
    private func prompt(of question: String) -> (text: String, tokens: [Int]) {
        var words = question.split(separator: " ")
        while true {
            let text = prompt.replacing("{}", with: words.joined(separator: " ")).withoutSpacesAtEnd
            let tokens = framed(tokenizer.pieces(of: text))
            guard tokens.count > limit, words.count > 1 else { return (text, tokens) }
            words.removeLast()
        }
    }

    /// A decoder's text is joined before it is cut into tokens; the first of them, as many as the prompt has without a space
    /// at its end, are given.
    private func sample(_ given: [Int], _ prompt: String, _ answer: String, weight: Double) -> LanguageSample {
        guard isDecoder else {
            let tokens = tokenizer.pieces(of: answer).prefix(limit - tokenizer.frame.last.count)
            return LanguageSample(given: given, target: TargetText(tokens + tokenizer.frame.last, weight: weight))
        }
        let joined = tokenizer.frame.first + tokenizer.pieces(of: prompt + " " + answer)
        let asked = joined.dropFirst(given.count).prefix(limit)
        // An answer that is cut has no end.
        let end = asked.count < joined.count - given.count ? [] : [endToken]
        return LanguageSample(given: given, target: TargetText(asked + end, weight: weight))
    }

    /// `tokens` as the language model is given them: a decoder's text goes on, an encoder's is whole.
    private func framed(_ tokens: [Int]) -> [Int] {
        tokenizer.frame.first + tokens + (isDecoder ? [] : tokenizer.frame.last)
    }
}
