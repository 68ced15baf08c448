import Tensors

// Shape letters of this file: N rows, H heads, T queries, S keys, D width of a head.

/// Attention of `queries` `[N, H, T, D]` to `keys` and `values` `[N, H, S, D]`, not scaled, with `bias` added to the scores,
/// which are float32.
func attended(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, bias: Tensor?
) throws(TorchError) -> Tensor {
    var scores = try queries.times(keys.permuted([0, 1, 3, 2])).to(.float32)
    if let bias { scores = try scores + bias }
    return try scores.softmax().to(values.dtype).times(values)
}
