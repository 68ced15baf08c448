package import Tensors

/// How a batch of texts begins, and what chance each of them has.
package struct SampledTexts: Sendable {
    /// The tokens that every text begins with, as filters and lengths count them; may be empty.
    package let beginning: [Int]
    /// The streams of the texts of each prompt; text `n` draws its token after `t` tokens with the number at `t`.
    package let streams: [[RandomStream]]
    /// The token that ends a text.
    package let endToken: Int

    package init(beginning: [Int], streams: [[RandomStream]], endToken: Int) {
        (self.beginning, self.streams, self.endToken) = (beginning, streams, endToken)
    }
}

extension TokenDecoder {
    /// `texts.streams[i].count` texts behind prompt `i` of `prompts`, by sampling or, with `options.greedy`, of the likeliest
    /// tokens.
    ///
    /// Each prompt is read once, its first tokens are drawn from one distribution, and texts that end leave the batch.
    /// `took` is called at every step with the number of each text that got a token, counted through all prompts, and
    /// the token.
    package func sample(
        _ prompts: Prompts, _ texts: SampledTexts, _ options: SamplingOptions, times: PartTimes? = nil,
        took: ([(text: Int, token: Int)]) -> Void = { _ in }
    ) throws(TorchError) -> [[GeneratedTokens]] {
        // Greedy texts behind one prompt are all the same: one is made.
        let wanted = texts.streams.map(\.count)
        var batch = TextBatch(texts, rowsPerPrompt: wanted.map { options.greedy ? min(1, $0) : $0 })
        let room = max(0, options.maxLength - texts.beginning.count)
        let begun = try timed(.decode, times) { () throws(TorchError) in try begin(prompts, room: room) }
        guard !batch.open.isEmpty else { return batch.texts(wanted) }
        let first = try timed(.sampling, times) { () throws(TorchError) in
            let logits = try Logits(begun.logits)
            let promptOfRow = batch.rows.map(\.prompt)
            return try batch.extend(options) { (logits[promptOfRow[$0]], logits.logSums[promptOfRow[$0]]) }
        }
        took(first.taken)
        var rows = begun.rows
        if !batch.open.isEmpty { rows = try selecting(batch.open.map { batch.rows[$0].prompt }, of: rows) }
        while !batch.open.isEmpty {
            let tokens = batch.open.map { batch.rows[$0].lastToken }
            let made = try timed(.decode, times) { () throws(TorchError) in try logits(after: tokens, &rows) }
            let step = try timed(.sampling, times) { () throws(TorchError) in
                let logits = try Logits(made)
                return try batch.extend(options) { (logits[$0], logits.logSums[$0]) }
            }
            if step.stay.count < tokens.count, !step.stay.isEmpty { rows = try selecting(step.stay, of: rows) }
            took(step.taken)
        }
        return batch.texts(wanted)
    }
}

/// The texts of a batch while they grow.
private struct TextBatch {
    struct Row {
        let prompt: Int
        let stream: RandomStream
        var tokens: [Int]
        var logprob = 0.0

        var lastToken: Int { tokens[tokens.count - 1] }
    }

    private(set) var rows: [Row] = []
    /// The rows that have not ended, in order.
    private(set) var open: [Int]
    private let endToken: Int

    init(_ texts: SampledTexts, rowsPerPrompt: [Int]) {
        endToken = texts.endToken
        for (prompt, streams) in texts.streams.enumerated() {
            rows += streams.prefix(rowsPerPrompt[prompt]).map {
                Row(prompt: prompt, stream: $0, tokens: texts.beginning)
            }
        }
        open = Array(rows.indices)
    }

    /// Adds a token to every open row, from the logits and their log-sum that `next` gives for its place among them.
    ///
    /// Returns the places of those that stay open, and what was added.
    mutating func extend(
        _ options: SamplingOptions, _ next: (Int) -> (ArraySlice<Float>, Float)
    ) throws(TorchError) -> (stay: [Int], taken: [(text: Int, token: Int)]) {
        var (stay, taken): ([Int], [(text: Int, token: Int)]) = ([], [])
        for (place, number) in open.enumerated() {
            let (logits, logSum) = next(place)
            let length = rows[number].tokens.count
            let candidates = TokenCandidates(
                logits: logits, history: rows[number].tokens, endToken: endToken, options)
            guard logSum.isFinite, let choice = candidates.draw(rows[number].stream.uniform(length)) else {
                throw Logits.notFinite
            }
            rows[number].tokens.append(choice.token)
            rows[number].logprob += Double(logits[logits.startIndex + choice.token]) - Double(logSum)
            if choice.token != endToken, length + 1 < options.maxLength { stay.append(place) }
            taken.append((number, choice.token))
        }
        open = stay.map { open[$0] }
        return (stay, taken)
    }

    /// The texts by prompt; a prompt with fewer rows than texts repeats its only row.
    func texts(_ counts: [Int]) -> [[GeneratedTokens]] {
        var made = [[GeneratedTokens]](repeating: [], count: counts.count)
        for row in rows { made[row.prompt].append(GeneratedTokens(tokens: row.tokens, logprob: row.logprob)) }
        return zip(made, counts).map { texts, count in
            texts.count == count ? texts : texts.flatMap { [GeneratedTokens](repeating: $0, count: count) }
        }
    }
}
