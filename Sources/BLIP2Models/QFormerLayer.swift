import Layers
import Tensors

// Shape letters of this file: N flat rows (queries, then text tokens), R rows, Q queries a row, T positions of a row,
// P positions before them, B images, S tokens of an image, D model width, H heads.

/// A row's own keys and values in one layer, each `[R, H, T, D/H]`.
struct OwnKeysValues {
    let keys: Tensor
    let values: Tensor
}

/// What a layer is to hand on.
enum LayerOutput {
    case all
    /// Of the last layer: the queries' states alone.
    case queries
    /// Of the last layer: the states of these flat rows.
    case rows(Tensor)
}

/// One post-norm layer of a Q-Former: attention among queries and text, of the queries to the image in every second
/// layer, and a feed-forward for each of the two.
///
/// Source: LAVIS `lavis/models/blip2_models/Qformer.py`, `BertLayer`; transformers `models/blip_2/modeling_blip_2.py`,
/// `Blip2QFormerLayer`.
struct QFormerLayer {
    private let number: Int
    private let qkv: Linear
    private let selfOutput: Linear
    private let selfNorm: LayerNorm
    private let cross: CrossAttention?
    private let text: QFormerFeedForward?
    private let queries: QFormerFeedForward
    private let heads: Int
    private let inference: Bool

    init(
        _ weights: Weights, _ configuration: QFormerConfiguration, number: Int, for use: QFormer.Use
    ) throws(WeightsError) {
        let (width, epsilon) = (configuration.width, configuration.epsilon)
        let own = weights.scoped("attention")
        self.number = number
        qkv = try Linear(fusing: ["query", "key", "value"], own.scoped("attention"), in: width, out: width)
        selfOutput = try Linear(own.scoped("output.dense"), in: width, out: width)
        selfNorm = try LayerNorm(own.scoped("output.LayerNorm"), width, epsilon: epsilon)
        cross =
            configuration.hasCross(number)
            ? try CrossAttention(weights.scoped("crossattention"), configuration, layer: number) : nil
        text =
            use == .queries ? nil : try QFormerFeedForward(weights, "intermediate", "output", configuration)
        queries = try QFormerFeedForward(weights, "intermediate_query", "output_query", configuration)
        heads = configuration.heads
        inference = weights.packingRows != nil
    }

    /// The keys and values of images' states `[B, S, E]`, `[B, S, 2D]`; nil where this layer does not see images.
    func keysValues(_ images: Tensor, norm: LayerNorm?) throws(TorchError) -> Tensor? {
        try cross?.keysValue(images, norm: norm)
    }

    /// Maps flat rows `[N, D]` to those that `output` names.
    ///
    /// `past` are keys and values before the row's own; `bias` is added to the logits of attention to both. `images` are
    /// the keys and values of each group, where this layer sees images.
    func callAsFunction(
        _ xND: Tensor, _ pass: PassRows, past: OwnKeysValues? = nil, bias: Tensor?,
        images: [(Tensor, rowsPerImage: Int)],
        _ dropout: PassDropout?, _ output: LayerOutput
    ) throws(TorchError) -> (states: Tensor, own: OwnKeysValues) {
        let split = try splitHeads(pass.rectangle(qkv(xND)), parts: 3, heads: heads)
        let own = OwnKeysValues(keys: split[1], values: split[2])
        var (keys, values) = (own.keys, own.values)
        if let past {
            keys = try concatenated([past.keys, keys], dimension: 2)
            values = try concatenated([past.values, values], dimension: 2)
        }
        let place = DropoutSite.selfWeights.place(number)
        let attended = try attention(split[0], keys, values, bias: bias, inference: inference) {
            weights throws(TorchError) in try dropout?.weights(weights, place) ?? weights
        }
        let aND = try residual(pass.flat(mergeHeads(attended)), to: xND, pass, dropout, output)
        return (try outputs(aND, pass, images, dropout, output), own)
    }

    /// The output of self-attention, for the flat rows that are wanted.
    private func residual(
        _ attended: Tensor, to xND: Tensor, _ pass: PassRows, _ dropout: PassDropout?, _ output: LayerOutput
    ) throws(TorchError) -> Tensor {
        let place = DropoutSite.selfOutput.place(number)
        switch output {
        case .all, .queries:
            var rows = 0..<xND.shape[0]
            if case .queries = output { rows = 0..<pass.queryCount }
            let (a, x) = (try attended.narrowed(0, rows), try xND.narrowed(0, rows))
            guard let dropout else { return try selfNorm(selfOutput(a, adding: x)) }
            return try selfNorm(dropout.states(selfOutput(a), rows, place) + x)
        case .rows(let index):
            let (a, x) = (try attended.selecting(0, index), try xND.selecting(0, index))
            guard let dropout else { return try selfNorm(selfOutput(a, adding: x)) }
            return try selfNorm(dropout.states(selfOutput(a), at: index, place) + x)
        }
    }

    /// What comes behind self-attention: the queries look at their image, then each kind has its feed-forward.
    private func outputs(
        _ aND: Tensor, _ pass: PassRows, _ images: [(Tensor, rowsPerImage: Int)], _ dropout: PassDropout?,
        _ output: LayerOutput
    ) throws(TorchError) -> Tensor {
        let textPlace = DropoutSite.textOutput.place(number)
        func read(
            _ x: Tensor, _ dropping: (Tensor) throws(TorchError) -> Tensor
        ) throws(TorchError) -> Tensor {
            guard let text else { preconditionFailure("a Q-Former without words reads no text") }
            return try text(x, dropping)
        }
        if case .rows(let index) = output {
            return try read(aND) { y throws(TorchError) in try dropout?.states(y, at: index, textPlace) ?? y }
        }
        let (queryRows, textRows) = (0..<pass.queryCount, pass.queryCount..<aND.shape[0])
        var parts: [Tensor] = []
        if !queryRows.isEmpty {
            var q = try aND.narrowed(0, queryRows)
            if let cross { q = try cross(q, pass, images, dropout) }
            let place = DropoutSite.queryOutput.place(number)
            parts.append(
                try queries(q) { y throws(TorchError) in try dropout?.states(y, queryRows, place) ?? y })
        }
        if !textRows.isEmpty {
            parts.append(
                try read(aND.narrowed(0, textRows)) { y throws(TorchError) in
                    try dropout?.states(y, textRows, textPlace) ?? y
                })
        }
        return parts.count == 1 ? parts[0] : try concatenated(parts, dimension: 0)
    }
}

/// A feed-forward block, added to its input and normalized.
struct QFormerFeedForward {
    private let intermediate: Linear
    private let output: Linear
    private let norm: LayerNorm
    private let activation: Activation

    init(
        _ weights: Weights, _ intermediate: String, _ output: String, _ configuration: QFormerConfiguration
    ) throws(WeightsError) {
        let (width, inner) = (configuration.width, configuration.innerWidth)
        self.intermediate = try Linear(weights.scoped(intermediate + ".dense"), in: width, out: inner)
        self.output = try Linear(weights.scoped(output + ".dense"), in: inner, out: width)
        norm = try LayerNorm(weights.scoped(output + ".LayerNorm"), width, epsilon: configuration.epsilon)
        activation = configuration.activation
    }

    /// Maps `[N, D]` to `[N, D]`; `dropping` is what dropout does to the result before it is added.
    func callAsFunction(
        _ x: Tensor, _ dropping: (Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        try norm(dropping(output(intermediate(x, activation))) + x)
    }
}

/// Attention of `q` `[R, H, T, D]` over `k` and `v` `[R, H, S, D]` with `bias` added to the logits and `dropping` done to the
/// weights.
func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, bias: Tensor?, inference: Bool,
    _ dropping: (Tensor) throws(TorchError) -> Tensor
) throws(TorchError) -> Tensor {
    if inference {
        guard let bias else { return try attention(q, k, v) }
        return try attention(q, k, v, mask: bias.to(q.dtype))
    }
    let width = Double(q.shape[3])
    var scores = try (q * (1 / width.squareRoot())).times(k.permuted([0, 1, 3, 2]))
    if let bias { scores = try scores + bias.to(scores.dtype) }
    return try dropping(scores.softmax()).times(v)
}
