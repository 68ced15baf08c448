import CTorch

// Shapes. Views share the storage of their tensor, as in PyTorch.
extension Tensor {
    /// The same elements as `dtype`, on the same device unless another is named; itself when nothing changes.
    package func to(_ dtype: DType, on device: Device? = nil) throws(TorchError) -> Tensor {
        try make("to") { ct_to(handle, dtype.code, (device ?? self.device).code, &$0) }
    }

    /// The same elements in row order under another shape; a view where strides allow.
    package func reshaped(_ shape: [Int]) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try make("reshape") { ct_reshape(handle, sizes, Int32(sizes.count), &$0) }
    }

    /// A view whose dimension `i` is dimension `order[i]` here.
    package func permuted(_ order: [Int]) throws(TorchError) -> Tensor {
        let dimensions = order.map(Int64.init)
        return try make("permute") { ct_permute(handle, dimensions, Int32(dimensions.count), &$0) }
    }

    /// A view in which dimensions of size 1 are repeated up to `shape`.
    package func expanded(_ shape: [Int]) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try make("expand") { ct_expand(handle, sizes, Int32(sizes.count), &$0) }
    }

    /// The view of `range` of dimension `dimension`.
    package func narrowed(_ dimension: Int, _ range: Range<Int>) throws(TorchError) -> Tensor {
        try make("narrow") { ct_narrow(handle, Int32(dimension), Int64(range.lowerBound), Int64(range.count), &$0) }
    }

    /// The same elements, adjacent in row order.
    package func contiguous() throws(TorchError) -> Tensor { try make("contiguous") { ct_contiguous(handle, &$0) } }

    /// The same elements in memory of their own; unlike the result of `inference`, the copy may take part in training.
    package func copied() throws(TorchError) -> Tensor { try make("clone") { ct_copy(handle, &$0) } }

    /// The slices of dimension `dimension` that `index` (int64, one dimension) names, in its order.
    package func selecting(_ dimension: Int, _ index: Tensor) throws(TorchError) -> Tensor {
        try make("index_select") { ct_index_select(handle, Int32(dimension), index.handle, &$0) }
    }

    /// Images `[B, C, H, W]` resized by bicubic interpolation without antialiasing; with `alignCorners`, the outermost
    /// elements stay where they are.
    package func resizedBicubic(
        height: Int, width: Int, alignCorners: Bool
    ) throws(TorchError) -> Tensor {
        try make("resize") { ct_resize_bicubic(handle, Int64(height), Int64(width), alignCorners, &$0) }
    }

    /// Overwrites the elements, also those seen through other views, with those of `source`.
    package func assign(_ source: Tensor) throws(TorchError) {
        try perform("copy_") { ct_assign(handle, source.handle) }
    }
}

/// `parts` one after the other along `dimension`.
package func concatenated(_ parts: [Tensor], dimension: Int) throws(TorchError) -> Tensor {
    let handles: [ct_tensor_t?] = parts.map(\.handle)
    return try withExtendedLifetime(parts) { () throws(TorchError) -> Tensor in
        try make("cat") { ct_concatenate(handles, Int32(handles.count), Int32(dimension), &$0) }
    }
}

// Arithmetic, with the broadcasting of PyTorch.
extension Tensor {
    package static func + (x: Tensor, y: Tensor) throws(TorchError) -> Tensor {
        try make("add") { ct_add(x.handle, y.handle, &$0) }
    }

    package static func - (x: Tensor, y: Tensor) throws(TorchError) -> Tensor {
        try make("sub") { ct_subtract(x.handle, y.handle, &$0) }
    }

    package static func / (x: Tensor, y: Tensor) throws(TorchError) -> Tensor {
        try make("div") { ct_divide(x.handle, y.handle, &$0) }
    }

    package static func * (x: Tensor, factor: Double) throws(TorchError) -> Tensor {
        try make("mul") { ct_scale(x.handle, factor, &$0) }
    }

    /// The matrix product over the last two dimensions.
    package func times(_ other: Tensor) throws(TorchError) -> Tensor {
        try make("matmul") { ct_matmul(handle, other.handle, &$0) }
    }

    /// log Σ exp over the last dimension, which goes away.
    package func logSumExp() throws(TorchError) -> Tensor { try make("logsumexp") { ct_logsumexp(handle, &$0) } }

    /// Each vector of the last dimension divided by its length.
    package func normalized() throws(TorchError) -> Tensor { try self / make("norm") { ct_l2_norm(handle, &$0) } }
}
