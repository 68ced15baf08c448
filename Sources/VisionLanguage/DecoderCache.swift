import Tensors

// Shape letters of this file: N rows (captions), H heads, P tokens there is room for, D width of a head.

/// The keys and values of the tokens that each row of a batch has so far, in every layer.
package struct DecoderCache {
    /// One for each of the decoder's layers, of which there is at least one.
    let layers: [CachedLayer]
    /// The tokens that every row has.
    var length: Int { layers[0].length }
    /// The rows of the batch.
    var rows: Int { layers[0].keys.shape[0] }
    /// Where the cache lives.
    var device: Device { layers[0].keys.device }

    /// The cache of other rows: row `i` of the result is row `rows[i]` of this one, with room for `room` tokens.
    func selecting(_ rows: [Int], room: Int) throws(TorchError) -> DecoderCache {
        let index = try Tensor(rows, shape: [rows.count]).to(.int64, on: device)
        var selected: [CachedLayer] = []
        for layer in layers { selected.append(try layer.selecting(index, room: room)) }
        return DecoderCache(layers: selected)
    }
}

/// The cache of one layer.
class CachedLayer {
    let keys: Tensor  // [N, H, P, D]
    let values: Tensor
    private(set) var length: Int
    /// Whether our own kernel may read and write it.
    var servesKernels: Bool { true }

    /// An empty cache.
    convenience init(
        rows: Int, heads: Int, room: Int, width: Int, _ dtype: DType, on device: Device
    ) throws(TorchError) {
        let shape = [rows, heads, room, width]
        self.init(try Tensor.empty(shape, dtype, on: device), try Tensor.empty(shape, dtype, on: device), length: 0)
    }

    init(_ keys: Tensor, _ values: Tensor, length: Int) {
        self.keys = keys
        self.values = values
        self.length = length
    }

    /// Adds the keys and values of one new token of the fused `[N, 1, 3HD]` and attends to all up to it: `[N, 1, HD]`.
    func attending(_ qkv: Tensor) throws(TorchError) -> Tensor {
        let attended = try stepAttention(qkv, keys: keys, values: values, place: length)
        length += 1
        return attended
    }

    /// Adds new tokens' keys and values `[N, H, T, D]`; the result views all up to them.
    func appending(keys newKeys: Tensor, values newValues: Tensor) throws(TorchError) -> TextKeysValues {
        let end = length + newKeys.shape[2]
        try keys.narrowed(2, length..<end).assign(newKeys)
        try values.narrowed(2, length..<end).assign(newValues)
        length = end
        return try filled()
    }

    func selecting(_ index: Tensor, room: Int) throws(TorchError) -> CachedLayer {
        let shape = keys.shape
        let new = try CachedLayer(
            rows: index.count, heads: shape[1], room: room, width: shape[3], keys.dtype, on: keys.device)
        let old = try filled()
        _ = try new.appending(keys: old.keys.selecting(0, index), values: old.values.selecting(0, index))
        return new
    }

    private func filled() throws(TorchError) -> TextKeysValues {
        TextKeysValues(keys: try keys.narrowed(2, 0..<length), values: try values.narrowed(2, 0..<length))
    }
}
