package import Tensors

// Shape letters of this file: N rows, H heads, T new tokens, P tokens so far, D width of a head.

/// The keys and values of tokens in one layer of a decoder, each `[N, H, P, D]`.
package struct TokenKeysValues {
    package let keys: Tensor
    package let values: Tensor
    /// `[1, 1, 1, P]`, true where there is a token; nil where there is one everywhere.
    package let isThere: Tensor?

    package init(keys: Tensor, values: Tensor, isThere: Tensor? = nil) {
        (self.keys, self.values, self.isThere) = (keys, values, isThere)
    }

    /// The attention of `queries` `[N, H, T, D]` to all of them.
    package func attended(by queries: Tensor) throws(TorchError) -> Tensor {
        guard let isThere else { return try attention(queries, keys, values) }
        return try attention(queries, keys, values, mask: isThere)
    }
}

/// Where one layer of a decoder keeps the keys and values of the tokens that its rows have so far.
package protocol LayerCache: AnyObject {
    /// Adds the keys and values `[N, H, T, D]` of new tokens; the result is those of all tokens.
    func append(_ new: TokenKeysValues) throws(TorchError) -> TokenKeysValues
    /// Adds the keys and values of one new token of the fused `[N, 1, 3HD]`, which our own kernel serves, and attends to
    /// all up to it, `[N, 1, HD]`; nil where that kernel cannot use this cache, and nothing is added then.
    func step(_ qkv: Tensor) throws(TorchError) -> Tensor?
}

extension LayerCache {
    package func step(_ qkv: Tensor) throws(TorchError) -> Tensor? { nil }
}
