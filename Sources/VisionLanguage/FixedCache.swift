import Tensors

// Shape letters of this file: B images, N rows (captions), H heads, L tokens there is room for, T tokens of the prompt,
// D width of a head.

/// The cache of one layer at its full length from the start: where the next token goes is a number on the device, so
/// that a step is the same for every token.
final class FixedCachedLayer: CachedLayer {
    private let place: Tensor  // [1], int64
    private let isThere: Tensor  // [1, 1, 1, L], true up to and with `place`
    override var servesKernels: Bool { false }

    /// An empty cache; the caller sets `place` and `isThere` before every step.
    init(rows: Int, room: Int, place: Tensor, isThere: Tensor, like layer: KeysValues) throws(TorchError) {
        let pattern = layer.plain.keys
        let shape = [rows, pattern.shape[1], room, pattern.shape[3]]
        let (keys, values) = (
            try Tensor.empty(shape, pattern.dtype, on: pattern.device),
            try Tensor.empty(shape, pattern.dtype, on: pattern.device)
        )
        // What is not there yet has weight 0, and 0 times what was in that memory before may not be a number.
        try keys.fill(0)
        try values.fill(0)
        self.place = place
        self.isThere = isThere
        super.init(keys, values, length: room)
    }

    /// Puts the new token's keys and values `[N, H, 1, D]` into their place; the result is everything, masked.
    override func appending(keys newKeys: Tensor, values newValues: Tensor) throws(TorchError) -> TextKeysValues {
        try keys.assign(newKeys, at: place, of: 2)
        try values.assign(newValues, at: place, of: 2)
        return TextKeysValues(keys: keys, values: values, mask: isThere)
    }

    /// Begins anew with the prompt's keys and values, `[B, H, T, D]`, the same for all captions of an image.
    func begin(with prompt: CachedLayer, captions: Int) throws(TorchError) {
        try keys.narrowed(2, 0..<prompt.length).assign(repeated(prompt.keys, captions))
        try values.narrowed(2, 0..<prompt.length).assign(repeated(prompt.values, captions))
    }
}

/// Every image's part of `x` `[B, ...]`, `count` times: `[B * count, ...]`.
func repeated(_ x: Tensor, _ count: Int) throws(TorchError) -> Tensor {
    let (images, rest) = (x.shape[0], Array(x.shape.dropFirst()))
    return try x.reshaped([images, 1] + rest).expanded([images, count] + rest).reshaped([images * count] + rest)
}
