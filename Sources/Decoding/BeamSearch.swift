import Foundation
package import Tensors

extension TokenDecoder {
    /// For each of `count` prompts the texts found by beams, best first, at most as many as there are beams.
    ///
    /// `beginning` are the tokens that every text begins with, as filters and lengths count them; the penalty on length counts
    /// new tokens only. What is found behind one prompt does not depend on the other prompts. `took` is called at every
    /// step.
    ///
    /// Source: transformers 5 `generation/utils.py`, `_beam_search` with `early_stopping=False`.
    package func searchBeams(
        _ prompts: Prompts, count: Int, beginning: [Int] = [], endToken: Int, _ options: BeamOptions,
        times: PartTimes? = nil, took: () -> Void = {}
    ) throws(TorchError) -> [[FoundText]] {
        precondition(options.beams > 0, "a search follows at least one text")
        let room = max(0, options.maxLength - beginning.count)
        var groups = (0..<count).map { _ in BeamGroup(beginning: beginning, endToken: endToken, options) }
        guard room > 0 else { return groups.map(\.found) }
        let begun = try timed(.decode, times) { () throws(TorchError) in try begin(prompts, room: room) }
        var (rows, logits) = (begun.rows, begun.logits)
        var open = Array(groups.indices)
        while true {
            let places = try timed(.sampling, times) { () throws(TorchError) in
                try extend(&groups, &open, Logits(logits))
            }
            took()
            if open.isEmpty { return groups.map(\.found) }
            if places != Array(0..<logits.shape[0]) { rows = try selecting(places, of: rows) }
            let tokens = open.flatMap { groups[$0].lastTokens }
            logits = try timed(.decode, times) { () throws(TorchError) in try self.logits(after: tokens, &rows) }
        }
    }

    /// Lets every open group take its next tokens from the logits of its rows, which follow each other.
    ///
    /// Returns the places of the rows that the groups that stay open go on from.
    private func extend(
        _ groups: inout [BeamGroup], _ open: inout [Int], _ logits: Logits
    ) throws(TorchError) -> [Int] {
        var (places, stay, first): ([Int], [Int], Int) = ([], [], 0)
        for number in open {
            let rows = groups[number].running.count
            let parents = try groups[number].extend { row throws(TorchError) in
                guard logits.logSums[first + row].isFinite else { throw Logits.notFinite }
                return (logits[first + row], logits.logSums[first + row])
            }
            if groups[number].isOpen {
                stay.append(number)
                places += parents.map { first + $0 }
            }
            first += rows
        }
        open = stay
        return places
    }
}

/// The texts behind one prompt: those that are followed, and those that came to their end.
struct BeamGroup {
    struct Beam {
        var tokens: [Int]
        /// The sum of log-probabilities behind the filters.
        var sum = 0.0
        /// The sum of log-probabilities before any filter.
        var logprob = 0.0
    }

    /// The texts that are followed, likeliest first.
    private(set) var running: [Beam]
    /// The texts that ended, best first.
    private(set) var found: [FoundText] = []
    /// Whether a better text may still be found, as far as the heuristic can say.
    private(set) var isOpen = true
    private let beginning: Int
    private let endToken: Int
    private let options: BeamOptions

    init(beginning: [Int], endToken: Int, _ options: BeamOptions) {
        running = [Beam(tokens: beginning)]
        self.beginning = beginning.count
        (self.endToken, self.options) = (endToken, options)
    }

    var lastTokens: [Int] { running.map { $0.tokens[$0.tokens.count - 1] } }

    /// Takes the next tokens from the logits and their log-sum that `next` gives for each running text.
    ///
    /// Returns which of the running texts each of the new ones goes on from.
    mutating func extend(
        _ next: (Int) throws(TorchError) -> (ArraySlice<Float>, Float)
    ) throws(TorchError) -> [Int] {
        // Twice as many as there are beams: should all the best of them end, as many go on.
        var candidates: [(parent: Int, beam: Beam)] = []
        for (parent, beam) in running.enumerated() {
            let (logits, logSum) = try next(parent)
            let chosen = TokenCandidates(
                logProbabilities: logits.map { $0 - logSum }, history: beam.tokens, endToken: endToken,
                minLength: options.minLength, repetitionPenalty: options.repetitionPenalty, count: 2 * options.beams)
            for candidate in chosen.candidates {
                var longer = beam
                longer.tokens.append(candidate.token)
                longer.sum += Double(candidate.logit)
                longer.logprob += Double(logits[logits.startIndex + candidate.token]) - Double(logSum)
                candidates.append((parent, longer))
            }
        }
        guard !candidates.isEmpty else { throw Logits.notFinite }
        // Of equal sums the first stays first: swift's sort is stable, but does not promise it.
        let order = candidates.indices.sorted {
            (candidates[$1].beam.sum, $0) < (candidates[$0].beam.sum, $1)
        }
        let best = order.prefix(2 * options.beams).map { candidates[$0] }
        let length = best[0].beam.tokens.count
        let ends = best.map { $0.beam.tokens[length - 1] == endToken || length >= options.maxLength }
        keep(zip(best, ends).prefix(options.beams).filter(\.1).map(\.0.beam), newTokens: length - beginning)
        let goOn = zip(best, ends).filter { !$0.1 }.map(\.0).prefix(options.beams)
        running = goOn.map(\.beam)
        isOpen = isOpen && canImprove(newTokens: length - beginning)
        return goOn.map(\.parent)
    }

    /// Keeps the best of the texts that ended before and of `ended`.
    private mutating func keep(_ ended: [Beam], newTokens: Int) {
        found += ended.map {
            FoundText(
                text: GeneratedTokens(tokens: $0.tokens, logprob: $0.logprob), score: score($0.sum, newTokens))
        }
        let order = found.indices.sorted { (found[$1].score, $0) < (found[$0].score, $1) }
        found = order.prefix(options.beams).map { found[$0] }
    }

    /// Whether the likeliest running text, had it ended with the length that it has, would be among those found.
    private func canImprove(newTokens: Int) -> Bool {
        guard let first = running.first else { return false }
        guard found.count == options.beams, let worst = found.last else { return true }
        return score(first.sum, newTokens) > worst.score
    }

    private func score(_ sum: Double, _ newTokens: Int) -> Double {
        sum / pow(Double(newTokens), options.lengthPenalty)
    }
}
