import Decoding
package import Tensors

// Shape letters of this file: N rows, H heads, T tokens of a prompt, D model width.

/// The rows of a batch that OPT writes.
package struct OPTRows {
    fileprivate let prompts: PromptMemory
    /// For each layer the keys and values of the tokens behind the prompt.
    fileprivate let own: [GrowingCache]
    /// The position of each row's next token.
    fileprivate var next: [Int]
    /// The tokens behind the prompt that there is room for.
    fileprivate let room: Int
}

extension OPT: LanguageModel {
    package var embeddingWidth: Int { configuration.wordWidth }
    package var vocabulary: Int { configuration.vocabulary }
    package var endToken: Int { configuration.endToken }
    package var beginning: [Int] { [] }

    package func begin(
        _ given: PaddedEmbeddings, room: Int
    ) throws(TorchError) -> (rows: OPTRows, logits: Tensor) {
        // The last token that is chosen is not read any more.
        try requirePositions((given.lengths.max() ?? 0) + max(0, room - 1))
        let (states, own) = try read(given)
        var shared: [SharedKeysValues] = []
        for layer in own { shared.append(try SharedKeysValues(keys: layer.keys, values: layer.values)) }
        let memory = try PromptMemory(
            shared, bias: given.keyBias(on: words.device), prompts: given.count, on: words.device)
        let rows = OPTRows(
            prompts: memory, own: try emptyCaches(rows: given.count, room: room), next: given.lengths, room: room)
        let places = given.lastPlaces.enumerated().map { $0 * given.length + $1 }
        let index = try Tensor(places, shape: [places.count]).to(.int64, on: words.device)
        let last = try states.reshaped([given.count * given.length, configuration.width]).selecting(0, index)
        return (rows, try logits(of: last))
    }

    package func selecting(_ places: [Int], of rows: OPTRows) throws(TorchError) -> OPTRows {
        let index = try Tensor(places, shape: [places.count]).to(.int64, on: words.device)
        var own: [GrowingCache] = []
        for cache in rows.own { own.append(try cache.selecting(index, room: rows.room)) }
        return OPTRows(
            prompts: try rows.prompts.selecting(places), own: own, next: places.map { rows.next[$0] }, room: rows.room)
    }

    package func logits(after tokens: [Int], _ rows: inout OPTRows) throws(TorchError) -> Tensor {
        let (count, current) = (tokens.count, rows)
        let embeddings = try embeddings(tokens, [count, 1, embeddingWidth])
        let states = try states(embeddings, numbers: rows.next) { layer, q, k, v throws(TorchError) in
            try current.attended(layer, q, TokenKeysValues(keys: k, values: v))
        }
        rows.next = rows.next.map { $0 + 1 }
        return try logits(of: states.reshaped([count, configuration.width]))
    }

    package func loss(
        _ given: PaddedEmbeddings, _ texts: [TargetText], divisor: Double?
    ) throws(TorchError) -> Tensor {
        precondition(texts.count == given.count, "each row has a text")
        // What a text's last token is followed by is not asked for.
        let inputs = texts.map { Array($0.tokens.dropLast()) }
        let hasInputs = inputs.contains { !$0.isEmpty }
        let whole = hasInputs ? try given.followed(by: embed(inputs)) : given
        var asked = AskedTokens()
        for (row, (text, last)) in zip(texts, given.lastPlaces).enumerated() {
            let start = row * whole.length
            asked.add(text) { $0 == 0 ? start + last : start + given.length + $0 - 1 }
        }
        return try asked.loss(states(whole), divisor: divisor) { states throws(TorchError) in
            try logits(of: states)
        }
    }

    private func emptyCaches(rows: Int, room: Int) throws(TorchError) -> [GrowingCache] {
        try GrowingCache.empty(
            layers: layers.count, rows: rows, heads: configuration.heads, room: room,
            width: configuration.width / configuration.heads, words.dtype, on: words.device)
    }
}

extension OPTRows {
    /// The attention `[N, H, 1, D/H]` of each row's new token in `layer` to its prompt and to the tokens behind it.
    fileprivate func attended(
        _ layer: Int, _ q: Tensor, _ new: TokenKeysValues
    ) throws(TorchError) -> Tensor {
        let (prompt, tokens) = (prompts.layers[layer], try own[layer].append(new))
        let scores = try concatenated(
            [
                prompt.scores(q, prompts.layout, bias: prompts.bias),
                q.times(tokens.keys.permuted([0, 1, 3, 2])).to(.float32),
            ], dimension: 3)
        let (weights, length) = (try scores.softmax().to(q.dtype), prompt.length)
        return try prompt.weighted(weights.narrowed(3, 0..<length), prompts.layout)
            + weights.narrowed(3, length..<length + tokens.keys.shape[2]).times(tokens.values)
    }
}
