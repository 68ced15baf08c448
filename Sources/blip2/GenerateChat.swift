import BLIP2Models
import Captioning
import Commands
import Files
import Foundation
import Images
import ModelFolders
import TextTokenizers

extension GenerateCommand {
    /// Answers questions from standard input until it ends.
    func talk(_ generator: TextGenerator) async throws {
        let (path, model) = (images[0], generator.model)
        let pixels = model.view(try readImage(path)).rgb
        guard var conversation = Conversation(template: template) else { preconditionFailure("validated before") }
        var said: ImageQueries?
        while let line = try await question() {
            let question = line.trimmingCharacters(in: .whitespaces)
            guard !question.isEmpty else { continue }
            guard try forget(&conversation, asking: question, model) else { continue }
            let prompt = conversation.prompt(asking: question)
            let tokens: [Int]
            do {
                tokens = try model.tokens(of: prompt)
            } catch {
                printError(error.message)
                continue
            }
            // A Q-Former that reads text looks at the image anew for each question.
            if said == nil || model.configuration.readsText {
                said = try await generator.describe([pixels], prompt: tokens).first
            }
            guard let queries = said else { preconditionFailure("an image is described") }
            let text = try await answer(
                TextGenerator.Request(key: path, queries: queries, prompt: tokens), generator)
            if options.json {
                try printJSON([text], of: path, prompt)
            } else if !canBeLive {
                try printResult(LiveText.isTerminal ? shownOnTerminal(text.text) : text.text)
            }
            conversation.note(question, answer: text.text)
        }
        if isAsking { StandardError.write("\n") }
    }

    /// Whether a person types the questions.
    private var isAsking: Bool { isatty(STDIN_FILENO) == 1 && StandardError.isTerminal }

    /// The next line of standard input; nil at its end.
    private func question() async throws -> String? {
        if isAsking { StandardError.write("> ") }
        return try await abandonable { readLine() }
    }

    /// Makes room for an answer to `question`, and says what is forgotten; false where the question is too long.
    private func forget(
        _ conversation: inout Conversation, asking question: String, _ model: GenerationModel
    ) throws -> Bool {
        let limit = model.conversationRoom - search.maxNewTokens
        let count = conversation.forget(asking: question) { prompt in
            model.tokenizer.encode(prompt).count <= limit
        }
        guard let count else {
            printError(
                "the question is too long: the language model has room for \(max(0, limit)) tokens and an answer of"
                    + " \(search.maxNewTokens) (--max-new-tokens)")
            return false
        }
        if count > 0 {
            StandardError.line(
                "note: the language model has room for \(model.conversationRoom) tokens: the oldest"
                    + (count == 1 ? " question and its answer are" : " \(count) questions and their answers are")
                    + " forgotten", from: "blip2")
        }
        return true
    }
}
