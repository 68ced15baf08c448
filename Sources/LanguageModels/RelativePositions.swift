import Foundation
import Layers
import Tensors

// Shape letters of this file: T queries, S keys, H heads.

/// What attention adds to scores by the distance from query to key, learned for classes of distances.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5Attention.compute_bias`.
struct RelativePositions {
    private let table: Tensor  // [buckets, H]
    private let buckets: DistanceBuckets
    private let heads: Int

    init(_ weights: Weights, _ configuration: T5Configuration, looksAhead: Bool) throws(WeightsError) {
        table = try weights.tensor("relative_attention_bias.weight", [configuration.buckets, configuration.heads])
        buckets = DistanceBuckets(
            count: configuration.buckets, longest: configuration.longestDistance, looksAhead: looksAhead)
        heads = configuration.heads
    }

    /// For queries at the positions `queries` and keys at 0 and following: `[1, H, T, S]`, float32.
    func bias(_ queries: Range<Int>, keys: Int) throws(TorchError) -> Tensor {
        let places = queries.flatMap { query in (0..<keys).map { buckets.bucket($0 - query) } }
        let index = try Tensor(places, shape: [places.count]).to(.int64, on: table.device)
        let biasTSH = try table.selecting(0, index).to(.float32)
        return try biasTSH.reshaped([1, queries.count, keys, heads]).permuted([0, 3, 1, 2])
    }
}

/// Classes of distances: the near ones one by one, those further away in steps that grow.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5Attention._relative_position_bucket`.
struct DistanceBuckets {
    let count: Int
    let longest: Int
    /// Whether keys behind the query have classes of their own: in an encoder.
    let looksAhead: Bool

    /// The class of the position of a key less that of a query.
    func bucket(_ distance: Int) -> Int {
        let classes = looksAhead ? count / 2 : count
        let first = looksAhead && distance > 0 ? classes : 0
        let far = looksAhead ? abs(distance) : max(0, -distance)
        let exact = classes / 2
        guard far >= exact else { return first + far }
        // In float32, as the reference: at a border of two classes the rounding decides.
        let step = log(Float(far) / Float(exact)) / Float(log(Double(longest) / Double(exact)))
        return first + min(classes - 1, exact + Int(step * Float(classes - exact)))
    }
}
