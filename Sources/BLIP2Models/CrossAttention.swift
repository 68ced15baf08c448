import Layers
import Tensors

// Shape letters of this file: N flat queries (R rows of Q), B images, S tokens of an image, E width of the image states,
// D model width, H heads.

/// Attention of queries to the image of their row, added to the queries and normalized.
struct CrossAttention {
    private let layer: Int
    private let query: Linear
    private let keyValue: Linear
    private let output: Linear
    private let norm: LayerNorm
    private let heads: Int
    private let inference: Bool

    init(_ weights: Weights, _ configuration: QFormerConfiguration, layer: Int) throws(WeightsError) {
        let width = configuration.width
        let parts = weights.scoped("attention")
        self.layer = layer
        query = try Linear(parts.scoped("query"), in: width, out: width)
        keyValue = try Linear(fusing: ["key", "value"], parts, in: configuration.imageWidth, out: width)
        output = try Linear(weights.scoped("output.dense"), in: width, out: width)
        norm = try LayerNorm(weights.scoped("output.LayerNorm"), width, epsilon: configuration.epsilon)
        heads = configuration.heads
        inference = weights.packingRows != nil
    }

    /// Keys and values `[B, S, 2D]` of images' states `[B, S, E]`.
    ///
    /// In training the states are those that `norm` has standardized, and its scale and shift are put into the maps.
    func keysValue(_ images: Tensor, norm: LayerNorm?) throws(TorchError) -> Tensor {
        guard let norm else { return try keyValue(images) }
        return try keyValue(standardized: images, by: norm)
    }

    /// Maps flat queries `[N, D]` to `[N, D]`.
    ///
    /// The rows that look at one image are queries against one block of keys and
    /// values, which is therefore never copied.
    func callAsFunction(
        _ xND: Tensor, _ pass: PassRows, _ groups: [(Tensor, rowsPerImage: Int)], _ dropout: PassDropout?
    ) throws(TorchError) -> Tensor {
        let (q, width) = (try query(xND), xND.shape[1])
        var (parts, start): ([Tensor], Int) = ([], 0)
        for (number, group) in groups.enumerated() {
            let images = group.0.shape[0]
            let rows = start..<start + images * group.rowsPerImage * pass.queries
            let own = try q.narrowed(0, rows).reshaped([images, group.rowsPerImage * pass.queries, width])
            let keysValues = try splitHeads(group.0, parts: 2, heads: heads)
            let place = DropoutSite.crossWeights.place(layer)
            let attended = try attention(
                splitHeads(own, parts: 1, heads: heads)[0], keysValues[0], keysValues[1], bias: nil,
                inference: inference
            ) { weights throws(TorchError) in try dropout?.weights(weights, group: number, place) ?? weights }
            parts.append(try mergeHeads(attended).reshaped([rows.count, width]))
            start = rows.upperBound
        }
        precondition(start == pass.queryCount, "every row of queries looks at an image")
        let attended = parts.count == 1 ? parts[0] : try concatenated(parts, dimension: 0)
        guard let dropout else { return try norm(output(attended, adding: xND)) }
        let place = DropoutSite.crossOutput.place(layer)
        return try norm(dropout.states(output(attended), 0..<pass.queryCount, place) + xND)
    }
}
