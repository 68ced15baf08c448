/// A conversation about an image, all of which stands in the prompt of the next answer.
///
/// Source: LAVIS `examples/blip2_instructed_generation.ipynb`: question and answer one after the other, a full stop behind
/// each answer.
package struct Conversation: Sendable {
    /// What a question stands in: before it, and behind it.
    private let frame: (before: String, behind: String)
    private var exchanges: [(question: String, answer: String)] = []

    /// A conversation whose questions are asked as `template` says, in which `{}` stands for the question; nil where it does
    /// not stand there once.
    package init?(template: String) {
        let parts = template.split(separator: "{}", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        frame = (parts[0], parts[1])
    }

    /// The prompt that asks `question`, behind all that was said.
    package func prompt(asking question: String) -> String {
        let said = exchanges.map { asked($0.question) + " " + ended($0.answer) }
        return (said + [asked(question)]).joined(separator: " ")
    }

    /// Takes note that `question` was answered.
    package mutating func note(_ question: String, answer: String) { exchanges.append((question, answer)) }

    /// Forgets the oldest exchanges until `fits` is true of the prompt that asks `question`.
    ///
    /// Returns how many they were; nil, and forgets nothing, where not even the question alone fits.
    package mutating func forget<Failure: Error>(
        asking question: String, until fits: (String) throws(Failure) -> Bool
    ) throws(Failure) -> Int? {
        var shorter = self
        while try !fits(shorter.prompt(asking: question)) {
            guard !shorter.exchanges.isEmpty else { return nil }
            shorter.exchanges.removeFirst()
        }
        defer { self = shorter }
        return exchanges.count - shorter.exchanges.count
    }

    private func asked(_ question: String) -> String { frame.before + question + frame.behind }

    private func ended(_ answer: String) -> String {
        guard let last = answer.last, !".!?".contains(last) else { return answer }
        return answer + "."
    }
}
