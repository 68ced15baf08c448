package import Tensors

// Shape letters of this file: B images or texts, T tokens, H heads, D width of a head.

/// Attention of the tokens of an image or a text to one another, from fused queries, keys and values.
package struct SelfAttention {
    private let heads: Int
    private let causal: Bool
    /// Our own kernel serves inference alone: it records no gradients.
    private let inference: Bool

    /// With `causal`, no token sees those after it; `inference` promises that no gradients are wanted.
    package init(heads: Int, causal: Bool = false, inference: Bool) {
        self.heads = heads
        self.causal = causal
        self.inference = inference
    }

    /// Maps `[B, T, 3HD]` to `[B, T, HD]`.
    package func callAsFunction(_ qkvBTD: Tensor) throws(TorchError) -> Tensor {
        try attended(qkvBTD, queries: qkvBTD.shape[1])
    }

    /// The first token's row of the result, `[B, 1, HD]`, without computing the others.
    package func firstToken(_ qkvBTD: Tensor) throws(TorchError) -> Tensor { try attended(qkvBTD, queries: 1) }

    private func attended(_ qkvBTD: Tensor, queries: Int) throws(TorchError) -> Tensor {
        if inference, qkvBTD.hasAttentionKernel(headWidth: qkvBTD.shape[2] / (3 * heads)) {
            return try fusedSelfAttention(qkvBTD, heads: heads, queries: queries, causal: causal)
        }
        let qkv = try splitHeads(qkvBTD, parts: 3, heads: heads)
        let (isWhole, queries) = (queries == qkvBTD.shape[1], try qkv[0].narrowed(2, 0..<queries))
        precondition(isWhole || !causal, "the library masks all rows or none")
        return try mergeHeads(attention(queries, qkv[1], qkv[2], causal: causal))
    }
}
