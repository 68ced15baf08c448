import BLIP2Models
import Commands
import Foundation
import LanguageModels
import Locks
import ModelFolders
import TextTokenizers

/// A text that is shown on standard output as its tokens come, without white space at either end.
final class LiveText: Sendable {
    private struct State: Sendable {
        var stream: TextStream
        var trimmed = TrimmedText()
        var fault: CommandError?
    }

    private let state: Locked<State>
    private let endToken: Int

    init(_ model: GenerationModel) {
        state = Locked(State(stream: TextStream(model.tokenizer, skipSpecialTokens: true)))
        endToken = model.configuration.language.endToken
    }

    /// Shows what `taken`, the tokens of the one text, complete.
    func take(_ taken: [(text: Int, token: Int)]) {
        state.withLock { state in
            for (_, token) in taken where token != endToken { show(state.stream.append(token), &state) }
        }
    }

    /// Shows what is left, and ends the line; throws what happened to standard output meanwhile.
    func finish() throws {
        try state.withLock { state in
            show(state.stream.finish(), &state)
            if let fault = state.fault { throw fault }
        }
        try printResult("")
    }

    private func show(_ part: String, _ state: inout State) {
        guard state.fault == nil else { return }
        do throws(CommandError) {
            try printResult(shownOnTerminal(state.trimmed.append(part)), terminator: "")
        } catch {
            state.fault = error
        }
    }

    /// Whether a person sees standard output as it is written.
    static let isTerminal = isatty(STDOUT_FILENO) == 1
}

/// `text` without characters that a terminal would obey, other than line feeds.
func shownOnTerminal(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { $0.properties.generalCategory == .control && $0 != "\n" ? " " : $0 }))
}
