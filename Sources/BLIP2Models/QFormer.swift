package import Layers
package import Tensors

// Shape letters of this file: B images, S tokens of an image, E width of the image states, R rows, Q queries a row,
// N flat rows (queries, then text tokens), D model width.

/// The Q-Former: a BERT whose learned queries look at an image in every second layer, and which reads text as well.
///
/// Three kinds of attention make its three objectives: queries and text apart (contrastive), together (matching), or text
/// behind the queries, from left to right (generation).
///
/// Source: LAVIS `lavis/models/blip2_models/Qformer.py`; transformers `models/blip_2/modeling_blip_2.py`,
/// `Blip2QFormerModel`, whose names it has.
package struct QFormer {
    /// What a Q-Former is asked for.
    package enum Use: Sendable {
        /// Queries alone, as behind a language model.
        case queries
        /// Queries and text.
        case queriesAndText
    }

    package let configuration: QFormerConfiguration
    /// Words `[V, D]` and positions `[P, D]`; nil where no text is read.
    let embeddings: (words: Tensor, positions: Tensor)?
    let queryTokens: Tensor  // [1, Q, D]
    private let norm: LayerNorm
    private let layers: [QFormerLayer]
    /// Whether the encoder's states are constants and the parameters are not.
    private let isTrained: Bool

    /// The Q-Former of `weights`, a model's.
    package init(
        _ weights: Weights, _ configuration: QFormerConfiguration, for use: Use = .queriesAndText
    ) throws(WeightsError) {
        let width = configuration.width
        self.configuration = configuration
        switch use {
        case .queries: embeddings = nil
        case .queriesAndText:
            embeddings = (
                words: try weights.tensor("embeddings.word_embeddings.weight", [configuration.vocabulary, width]),
                positions: try weights.tensor(
                    "embeddings.position_embeddings.weight", [configuration.positions, width])
            )
        }
        queryTokens = try weights.tensor("query_tokens", [1, configuration.queries, width])
        norm = try LayerNorm(weights.scoped("qformer.layernorm"), width, epsilon: configuration.epsilon)
        var layers: [QFormerLayer] = []
        for layer in 0..<configuration.layers {
            layers.append(
                try QFormerLayer(
                    weights.scoped("qformer.encoder.layer.\(layer)"), configuration, number: layer, for: use))
        }
        self.layers = layers
        isTrained = !weights.keepsLayouts
    }

    /// The keys and values of image states `[B, S, E]` that `norm` normalizes, once for all passes over these images.
    package func see(_ statesBSE: Tensor, norm: LayerNorm) throws(TorchError) -> SeenByQueries {
        let statesBSE = try statesBSE.to(queryTokens.dtype)
        let normalized = try isTrained ? norm.standardized(statesBSE) : norm(statesBSE)
        var seen: [Tensor] = []
        for layer in layers {
            if let keysValues = try layer.keysValues(normalized, norm: isTrained ? norm : nil) {
                seen.append(keysValues)
            }
        }
        return SeenByQueries(layers: seen)
    }

    /// The queries' states `[B, Q, D]` behind the last layer, and their keys and values in every layer, which a text that
    /// is generated attends to.
    func look(_ images: SeenByQueries, _ dropout: Dropout?) throws(TorchError) -> (
        states: Tensor, past: [OwnKeysValues]
    ) {
        let group = SeenGroup(images)
        let pass = try PassRows(rows: group.rows, queries: configuration.queries, lengths: [], on: queryTokens.device)
        let (xND, own) = try run(embed(pass, []), pass, groups: [group], dropout: dropout)
        return (try byRow(xND, pass), own)
    }

    /// The states `[R, D]` of the first token of each text, read without an image; every token sees all of its text.
    func read(_ texts: [[Int]], _ dropout: Dropout?) throws(TorchError) -> Tensor {
        let pass = try PassRows(rows: texts.count, queries: 0, lengths: texts.map(\.count), on: queryTokens.device)
        return try run(
            embed(pass, texts), pass, bias: pass.padding(), dropout: dropout, output: .rows(pass.firstTokens())
        ).states
    }

    /// The queries' states `[R, Q, D]` when they and the row's text see each other.
    ///
    /// The rows are those of the first group, then those of the next; there are as many texts.
    func match(_ texts: [[Int]], _ groups: [SeenGroup], _ dropout: Dropout?) throws(TorchError) -> Tensor {
        let rows = groups.reduce(0) { $0 + $1.rows }
        let pass = try PassRows(
            rows: rows, queries: configuration.queries, lengths: texts.map(\.count), on: queryTokens.device)
        let xND = try run(
            embed(pass, texts), pass, bias: pass.padding(), groups: groups, dropout: dropout, output: .queries
        ).states
        return try byRow(xND, pass)
    }

    /// The states `[N, D]` of all tokens of texts, one text behind the other; a token sees those before it and the row's
    /// queries, whose keys and values are `past`.
    func generate(_ texts: [[Int]], past: [OwnKeysValues], _ dropout: Dropout?) throws(TorchError) -> Tensor {
        let pass = try PassRows(rows: texts.count, queries: 0, lengths: texts.map(\.count), on: queryTokens.device)
        return try run(
            embed(pass, texts), pass, past: past, bias: pass.causal(past: configuration.queries), dropout: dropout
        ).states
    }

    /// The flat rows `[N, D]` that enter the first layer, before dropout.
    ///
    /// Queries have no positions of their own, and a text's begin at 0 whatever stands before it.
    private func embed(_ pass: PassRows, _ texts: [[Int]]) throws(TorchError) -> Tensor {
        var parts: [Tensor] = []
        if pass.queries > 0 {
            let width = configuration.width
            // Every row begins with the same queries: they are normalized once.
            parts.append(
                try norm(queryTokens).expanded([pass.rows, pass.queries, width])
                    .reshaped([pass.queryCount, width]))
        }
        if !texts.isEmpty {
            precondition(
                texts.allSatisfy { (1...configuration.positions).contains($0.count) },
                "a text has between 1 and \(configuration.positions) tokens")
            guard let embeddings else { preconditionFailure("a Q-Former without words reads no text") }
            let ids = try Tensor(texts.flatMap(\.self), shape: [pass.count - pass.queryCount])
            let places = try Tensor(texts.flatMap { Array($0.indices) }, shape: ids.shape)
            let device = queryTokens.device
            parts.append(
                try norm(
                    embeddings.words.selecting(0, ids.to(.int64, on: device))
                        + embeddings.positions.selecting(0, places.to(.int64, on: device))))
        }
        return parts.count == 1 ? parts[0] : try concatenated(parts, dimension: 0)
    }

    private func run(
        _ embedded: Tensor, _ pass: PassRows, past: [OwnKeysValues]? = nil, bias: Tensor? = nil,
        groups: [SeenGroup] = [], dropout: Dropout?, output: LayerOutput = .all
    ) throws(TorchError) -> (states: Tensor, own: [OwnKeysValues]) {
        let dropping = try PassDropout(dropout, pass, groups, heads: configuration.heads, on: queryTokens.device)
        var xND = try dropping?.states(embedded, 0..<pass.count, DropoutSite.embedding.place(0)) ?? embedded
        var (own, seen): ([OwnKeysValues], Int) = ([], 0)
        for (number, layer) in layers.enumerated() {
            let isSeeing = configuration.hasCross(number)
            let images = isSeeing ? groups.map { ($0.images.layers[seen], rowsPerImage: $0.rowsPerImage) } : []
            seen += isSeeing ? 1 : 0
            let made = try layer(
                xND, pass, past: past?[number], bias: bias, images: images, dropping,
                number == layers.count - 1 ? output : .all)
            xND = made.states
            own.append(made.own)
        }
        return (xND, own)
    }

    private func byRow(_ xND: Tensor, _ pass: PassRows) throws(TorchError) -> Tensor {
        try xND.reshaped([pass.rows, pass.queries, configuration.width])
    }
}
