import LanguageModels
import RandomNumbers
import TextTokenizers

/// How a line of text becomes what a language model is given and what it is to write.
///
/// OPT reads a line behind its start, with the line feed that ends it, and is asked for every token, its end token last: so
/// the model knows both ends that BLIP-2 uses, `</s>` and the line feed. T5's encoder is given the first words, as many as are
/// drawn, none among them, and the decoder is asked for the others (prefix language modelling).
///
/// Tabs divide a line into parts that are given and parts that are learned, by turns: of a question and its answer the answer
/// alone. OPT is asked for the tokens of all learned parts, T5 for one of them, drawn, behind all that is before it.
struct LineSamples: Sendable {
    /// What the model is given, and what it is to write.
    struct Sample: Equatable {
        let given: [Int]
        let target: TargetText
    }

    private let tokenizer: any LanguageTokenizer
    private let isDecoder: Bool
    private let endToken: Int
    /// The most tokens of a line, those around it counted.
    private let limit: Int

    init(_ tokenizer: any LanguageTokenizer, isDecoder: Bool, endToken: Int, limit: Int) {
        (self.tokenizer, self.isDecoder, self.endToken, self.limit) = (tokenizer, isDecoder, endToken, limit)
    }

    /// Stands among a line's tokens where the line has a tab.
    static let tab = -1

    /// What of a line does not change from step to step; one that is too long is cut, and has no end then.
    func tokens(of line: String) -> [Int] {
        guard isDecoder else { return cut(pieces(of: line), limit - 2) }
        let text = tokenizer.frame.first + pieces(of: line + "\n")
        return text.count { $0 != Self.tab } < limit ? text + [endToken] : cut(text, limit)
    }

    /// The tokens of a text, which are those that it has without its tabs, and the places of these: each behind as many
    /// tokens as the text before it has.
    private func pieces(of text: String) -> [Int] {
        let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
        let tokens = tokenizer.pieces(of: parts.joined())
        let ends = parts.indices.map { tokenizer.pieces(of: parts[...$0].joined()).count }
        var (pieces, start) = ([Int](), 0)
        for end in ends.dropLast() {
            let end = min(max(start, end), tokens.count)
            pieces += tokens[start..<end] + [Self.tab]
            start = end
        }
        return pieces + tokens[start...]
    }

    private func cut(_ tokens: [Int], _ limit: Int) -> [Int] {
        var rest = limit
        return Array(
            tokens.prefix {
                if $0 != Self.tab { rest -= 1 }
                return rest >= 0
            })
    }

    /// The sample of a line's `tokens`; `key` is the random number that its split is drawn with.
    ///
    /// A line of which no learned part is left, because it was too long, is learned as one without tabs is.
    func sample(_ tokens: [Int], key: UInt64) -> Sample {
        let draw = SplitMix64.number(0, from: key).unitInterval
        let parts = tokens.split(separator: Self.tab, omittingEmptySubsequences: false)
        let learned = parts.indices.filter { $0 % 2 == 1 && !parts[$0].isEmpty }
        let tokens = Array(parts.joined())
        return isDecoder
            ? sample(tokens, asked: RangeSet(learned.map { Self.place(of: $0, parts) }))
            : sample(tokens, parts, learned, draw)
    }

    /// OPT's.
    private func sample(_ tokens: [Int], asked: RangeSet<Int>) -> Sample {
        let given = max(1, tokenizer.frame.first.count)
        let ranges = asked.isEmpty ? [given..<tokens.count] : asked.ranges.map { $0.clamped(to: given..<tokens.count) }
        return Sample(
            given: Array(tokens.prefix(given)),
            target: TargetText(
                Array(tokens.dropFirst(given)),
                asked: RangeSet(ranges.map { $0.lowerBound - given..<$0.upperBound - given })))
    }

    /// T5's, split where `draw`, from 0 to 1, says.
    private func sample(_ tokens: [Int], _ parts: [ArraySlice<Int>], _ learned: [Int], _ draw: Double) -> Sample {
        let asked: Range<Int>
        if learned.isEmpty {
            let starts = tokens.indices.filter {
                $0 == 0 || tokenizer.bytes(of: tokens[$0], isFirst: false)?.first == 32
            }
            asked = (starts.isEmpty ? 0 : starts[Int(draw * Double(starts.count))])..<tokens.count
        } else {
            asked = Self.place(of: learned[Int(draw * Double(learned.count))], parts)
        }
        return Sample(
            given: tokens[..<asked.lowerBound] + tokenizer.frame.last, target: TargetText(tokens[asked] + [endToken]))
    }

    /// The place of a part among the tokens of all.
    private static func place(of part: Int, _ parts: [ArraySlice<Int>]) -> Range<Int> {
        let first = parts[..<part].reduce(0) { $0 + $1.count }
        return first..<first + parts[part].count
    }
}
