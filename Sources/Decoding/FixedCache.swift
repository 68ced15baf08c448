package import Tensors

// Shape letters of this file: B prompts, N rows, H heads, L tokens there is room for, T tokens of the prompt, D width of a
// head.

/// A cache at its full length from the start: where the next token goes is a number on the device, so that a step is the
/// same for every token.
package final class FixedCache: LayerCache {
    private let keys: Tensor  // [N, H, L, D]
    private let values: Tensor
    private let place: Tensor  // [1], int64
    private let isThere: Tensor  // [1, 1, 1, L], true up to and with `place`

    /// An empty cache of keys and values like those of `pattern` `[_, H, _, D]`; the caller sets `place` and `isThere`
    /// before every step.
    package init(rows: Int, room: Int, place: Tensor, isThere: Tensor, like pattern: Tensor) throws(TorchError) {
        let shape = [rows, pattern.shape[1], room, pattern.shape[3]]
        keys = try Tensor.empty(shape, pattern.dtype, on: pattern.device)
        values = try Tensor.empty(shape, pattern.dtype, on: pattern.device)
        // What is not there yet has weight 0, and 0 times what was in that memory before may not be a number.
        try keys.fill(0)
        try values.fill(0)
        self.place = place
        self.isThere = isThere
    }

    /// Puts one new token's keys and values `[N, H, 1, D]` into their place.
    package func append(_ new: TokenKeysValues) throws(TorchError) -> TokenKeysValues {
        try keys.assign(new.keys, at: place, of: 2)
        try values.assign(new.values, at: place, of: 2)
        return TokenKeysValues(keys: keys, values: values, isThere: isThere)
    }

    /// Begins anew with the keys and values `[B, H, T, D]` of prompts, which `count` rows each go on from.
    package func begin(with prompts: GrowingCache, count: Int) throws(TorchError) {
        let filled = try prompts.filled()
        try keys.narrowed(2, 0..<prompts.length).assign(repeated(filled.keys, count))
        try values.narrowed(2, 0..<prompts.length).assign(repeated(filled.values, count))
    }
}

/// Each part of `x` `[B, ...]`, `count` times: `[B * count, ...]`.
package func repeated(_ x: Tensor, _ count: Int) throws(TorchError) -> Tensor {
    let (parts, rest) = (x.shape[0], Array(x.shape.dropFirst()))
    return try x.reshaped([parts, 1] + rest).expanded([parts, count] + rest).reshaped([parts * count] + rest)
}
