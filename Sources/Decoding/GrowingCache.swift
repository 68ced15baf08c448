package import Tensors

// Shape letters of this file: N rows, H heads, T new tokens, P tokens there is room for, D width of a head.

/// A cache with room for as many tokens as may come; how many there are is a number of the processor's.
package final class GrowingCache: LayerCache {
    private let keys: Tensor  // [N, H, P, D]
    private let values: Tensor
    /// The tokens that every row has.
    package private(set) var length = 0

    /// An empty cache.
    package init(
        rows: Int, heads: Int, room: Int, width: Int, _ dtype: DType, on device: Device
    ) throws(TorchError) {
        let shape = [rows, heads, room, width]
        keys = try Tensor.empty(shape, dtype, on: device)
        values = try Tensor.empty(shape, dtype, on: device)
    }

    /// An empty cache for each of `layers` layers.
    package static func empty(
        layers: Int, rows: Int, heads: Int, room: Int, width: Int, _ dtype: DType, on device: Device
    ) throws(TorchError) -> [GrowingCache] {
        var caches: [GrowingCache] = []
        for _ in 0..<layers {
            caches.append(
                try GrowingCache(rows: rows, heads: heads, room: room, width: width, dtype, on: device))
        }
        return caches
    }

    package func step(_ qkv: Tensor) throws(TorchError) -> Tensor? {
        let attended = try stepAttention(qkv, keys: keys, values: values, place: length)
        length += 1
        return attended
    }

    package func append(_ new: TokenKeysValues) throws(TorchError) -> TokenKeysValues {
        let end = length + new.keys.shape[2]
        try keys.narrowed(2, length..<end).assign(new.keys)
        try values.narrowed(2, length..<end).assign(new.values)
        length = end
        return try filled()
    }

    /// The cache of other rows, with room for `room` tokens: row `i` of it is row `index[i]` of this one.
    package func selecting(_ index: Tensor, room: Int) throws(TorchError) -> GrowingCache {
        let shape = keys.shape
        let new = try GrowingCache(
            rows: index.count, heads: shape[1], room: room, width: shape[3], keys.dtype, on: keys.device)
        guard length > 0 else { return new }
        let old = try filled()
        _ = try new.append(
            TokenKeysValues(keys: old.keys.selecting(0, index), values: old.values.selecting(0, index)))
        return new
    }

    /// The keys and values of the tokens that there are, as views.
    package func filled() throws(TorchError) -> TokenKeysValues {
        TokenKeysValues(keys: try keys.narrowed(2, 0..<length), values: try values.narrowed(2, 0..<length))
    }
}
