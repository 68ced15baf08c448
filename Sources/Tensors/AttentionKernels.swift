import CTorch

// Attention by our own kernels (`Sources/CTorch/kernels`), for inference alone: they record no gradients.
// Shape letters of this file: B images or texts, T tokens, S tokens of an image, N rows, H heads, D width of a head, P places of a cache.

extension Tensor {
    /// Whether the kernels serve tensors like this one, with heads of `width`, a multiple of 8: bfloat16 on a processor
    /// that multiplies it with AVX-512.
    package func hasAttentionKernel(headWidth width: Int) -> Bool {
        dtype == .bfloat16 && device == .cpu && ct_has_attention(Int64(width))
    }

    /// Whether `stepAttention` serves them too.
    package func hasStepKernel(headWidth width: Int) -> Bool {
        dtype == .bfloat16 && device == .cpu && ct_has_step_attention(Int64(width))
    }
}

/// Attention of the first `queries` tokens over all tokens of the fused queries, keys and values `[B, T, 3HD]`:
/// `[B, queries, HD]`.
package func fusedSelfAttention(
    _ qkvBTD: Tensor, heads: Int, queries: Int, causal: Bool
) throws(TorchError) -> Tensor {
    try make("self_attention") {
        ct_self_attention(qkvBTD.handle, Int64(heads), Int64(queries), causal, &$0)
    }
}

/// Adds the keys and values of `qkv` `[N, 1, 3HD]` at `place` of a cache's `keys` and `values` `[N, H, P, D]`, and
/// attends to all up to them: `[N, 1, HD]`.
package func stepAttention(
    _ qkv: Tensor, keys: Tensor, values: Tensor, place: Int
) throws(TorchError) -> Tensor {
    try make("step_attention") {
        ct_step_attention(qkv.handle, keys.handle, values.handle, Int64(place), &$0)
    }
}

/// Keys and values of images, in the order in which the kernel multiplies them: made once, read at every step.
package struct PackedKeysValues {
    private let packed: Tensor
    private let count: Int

    /// Packs the keys and values `[B, S, 2HD]`.
    package init(_ kv: Tensor, heads: Int) throws(TorchError) {
        count = kv.shape[1]
        packed = try make("pack_keys_values") { ct_pack_keys_values(kv.handle, Int64(heads), &$0) }
    }

    /// Attention of `queries` `[N, T, HD]`, of which the first `rows[0]` rows belong to the first image and so on.
    package func attended(by queries: Tensor, rows: [Int]) throws(TorchError) -> Tensor {
        let rows = rows.map(Int64.init)
        return try make("cross_attention") {
            ct_cross_attention(queries.handle, packed.handle, Int64(count), rows, &$0)
        }
    }
}
