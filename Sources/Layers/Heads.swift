package import Tensors

// Shape letters of this file: B batch, T tokens, P parts, H heads, D width of a head.

/// Splits `x` `[B, T, P·H·D]` into its `parts` by head, each `[B, H, T, D]`; views of `x`.
package func splitHeads(_ x: Tensor, parts: Int, heads: Int) throws(TorchError) -> [Tensor] {
    let shape = x.shape
    let width = shape[2] / (parts * heads)
    let xPBHTD = try x.reshaped([shape[0], shape[1], parts, heads, width]).permuted([2, 0, 3, 1, 4])
    var split: [Tensor] = []
    for part in 0..<parts {
        split.append(try xPBHTD.narrowed(0, part..<part + 1).reshaped([shape[0], heads, shape[1], width]))
    }
    return split
}

/// Puts heads side by side again: `[B, H, T, D]` to `[B, T, H·D]`.
package func mergeHeads(_ x: Tensor) throws(TorchError) -> Tensor {
    let shape = x.shape
    return try x.permuted([0, 2, 1, 3]).reshaped([shape[0], shape[2], shape[1] * shape[3]])
}
