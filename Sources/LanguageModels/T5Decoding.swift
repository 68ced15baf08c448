import Decoding
package import Tensors

// Shape letters of this file: N rows, D model width.

/// The rows of a batch that T5 writes.
package struct T5Rows {
    fileprivate let prompts: PromptMemory
    /// For each layer the keys and values of the tokens, the start token among them.
    fileprivate let own: [GrowingCache]
    /// The tokens that there is room for.
    fileprivate let room: Int
}

extension T5: LanguageModel {
    package var embeddingWidth: Int { configuration.width }
    package var vocabulary: Int { configuration.vocabulary }
    package var endToken: Int { configuration.endToken }
    package var beginning: [Int] { [configuration.startToken] }

    package func begin(
        _ given: PaddedEmbeddings, room: Int
    ) throws(TorchError) -> (rows: T5Rows, logits: Tensor) {
        let own = try emptyCaches(rows: given.count, room: 1)
        var rows = T5Rows(prompts: try see(given), own: own, room: room + 1)
        let start = [Int](repeating: configuration.startToken, count: given.count)
        return (rows, try logits(after: start, &rows))
    }

    package func selecting(_ places: [Int], of rows: T5Rows) throws(TorchError) -> T5Rows {
        let index = try Tensor(places, shape: [places.count]).to(.int64, on: words.device)
        var own: [GrowingCache] = []
        for cache in rows.own { own.append(try cache.selecting(index, room: rows.room)) }
        return T5Rows(prompts: try rows.prompts.selecting(places), own: own, room: rows.room)
    }

    package func logits(after tokens: [Int], _ rows: inout T5Rows) throws(TorchError) -> Tensor {
        let count = tokens.count
        let embeddings = try embeddings(tokens, [count, 1, configuration.width])
        let states = try decoder(embeddings, rows.prompts, past: rows.own[0].length, rows.own)
        return try logits(of: states.reshaped([count, configuration.width]))
    }

    package func loss(
        _ given: PaddedEmbeddings, _ texts: [TargetText], divisor: Double?
    ) throws(TorchError) -> Tensor {
        precondition(texts.count == given.count, "each row has a text")
        let length = texts.map(\.tokens.count).max() ?? 0
        // Each token is asked for at the one before it; what fills a text up comes behind all that is asked for.
        let inputs = texts.map { text in
            let filler = [Int](repeating: configuration.padToken, count: length - text.tokens.count)
            return ([configuration.startToken] + text.tokens + filler).dropLast()
        }
        var asked = AskedTokens()
        for (row, text) in texts.enumerated() { asked.add(text) { row * length + $0 } }
        return try asked.loss(states(inputs.map(Array.init), see(given)), divisor: divisor) {
            states throws(TorchError) in
            try logits(of: states)
        }
    }

    private func emptyCaches(rows: Int, room: Int) throws(TorchError) -> [GrowingCache] {
        try GrowingCache.empty(
            layers: decoder.layerCount, rows: rows, heads: configuration.heads, room: room,
            width: configuration.headWidth, words.dtype, on: words.device)
    }
}
