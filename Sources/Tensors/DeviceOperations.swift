import CTorch

// Operations for work that stays on its device: none waits for it, and a CUDA graph can hold them all.

// Truth values, with the broadcasting of PyTorch.
extension Tensor {
    /// Where this is less than `other`.
    package func isLess(than other: Tensor) throws(TorchError) -> Tensor { try compared(other, CT_LESS) }

    /// Where this is at most `other`.
    package func isAtMost(_ other: Tensor) throws(TorchError) -> Tensor { try compared(other, CT_AT_MOST) }

    /// Where this equals `other`.
    package func isEqual(to other: Tensor) throws(TorchError) -> Tensor { try compared(other, CT_EQUAL) }

    /// Where both are true.
    package func and(_ other: Tensor) throws(TorchError) -> Tensor { try compared(other, CT_AND) }

    /// Where one is true, or both.
    package func or(_ other: Tensor) throws(TorchError) -> Tensor { try compared(other, CT_OR) }

    /// Where the elements are numbers and not infinite.
    package func isFinite() throws(TorchError) -> Tensor { try make("isfinite") { ct_is_finite(handle, &$0) } }

    /// Whether all elements are true: waits for the device.
    package func isAllTrue() throws(TorchError) -> Bool {
        try make("all") { ct_all(handle, &$0) }.bytes() != [0]
    }

    /// `x` where this is true, `y` elsewhere.
    package func choose(_ x: Tensor, else y: Tensor) throws(TorchError) -> Tensor {
        try make("where") { ct_where(handle, x.handle, y.handle, &$0) }
    }

    private func compared(_ other: Tensor, _ operation: some BinaryInteger) throws(TorchError) -> Tensor {
        try make("compare") { ct_compare(handle, other.handle, Int32(operation), &$0) }
    }
}

// Arithmetic.
extension Tensor {
    package static func * (x: Tensor, y: Tensor) throws(TorchError) -> Tensor {
        try make("mul") { ct_multiply(x.handle, y.handle, &$0) }
    }

    package func exponential() throws(TorchError) -> Tensor { try make("exp") { ct_exp(handle, &$0) } }

    /// The largest whole numbers that are not above the elements.
    package func floor() throws(TorchError) -> Tensor { try make("floor") { ct_floor(handle, &$0) } }

    package func clamped(to range: ClosedRange<Double>) throws(TorchError) -> Tensor {
        try make("clamp") { ct_clamp(handle, range.lowerBound, range.upperBound, &$0) }
    }

    /// The sums over the last dimension, which stays with size 1.
    package func summed() throws(TorchError) -> Tensor { try make("sum") { ct_sum(handle, &$0) } }

    /// The sums up to and with each place of the last dimension.
    package func cumulativeSums() throws(TorchError) -> Tensor {
        try make("cumsum") { ct_cumulative_sum(handle, &$0) }
    }
}

// Selection along a dimension.
extension Tensor {
    /// The `count` largest of the last dimension with their places, smaller places first.
    package func largest(_ count: Int) throws(TorchError) -> (values: Tensor, places: Tensor) {
        var (values, places): (ct_tensor_t?, ct_tensor_t?)
        try perform("topk") { ct_largest(handle, Int64(count), &values, &places) }
        guard let values, let places else { throw TorchError(operation: "topk", message: "no memory") }
        let (found, at) = (Tensor(owning: values), Tensor(owning: places))
        let order = try at.order()
        return (try found.gathering(order), try at.gathering(order))
    }

    /// The places of the last dimension's elements in ascending or descending order, equal ones as they stand.
    package func order(descending: Bool = false) throws(TorchError) -> Tensor {
        try make("sort") { ct_order(handle, descending, &$0) }
    }

    /// The elements at the places `index` of the last dimension, in whose other places `index` has the same shape.
    package func gathering(_ index: Tensor) throws(TorchError) -> Tensor {
        try make("gather") { ct_gather(handle, -1, index.handle, &$0) }
    }
}

// Changes in place, seen through every view.
extension Tensor {
    /// Overwrites the elements at the places `index` of the last dimension with `source`.
    package func scatter(_ source: Tensor, at index: Tensor) throws(TorchError) {
        try perform("scatter_") { ct_scatter(handle, -1, index.handle, source.handle) }
    }

    /// Overwrites the slices `index` (int64, one dimension) of `dimension` with those of `source`.
    package func assign(_ source: Tensor, at index: Tensor, of dimension: Int) throws(TorchError) {
        try perform("index_copy_") { ct_index_copy(handle, Int32(dimension), index.handle, source.handle) }
    }

    /// Overwrites every element with `value`.
    package func fill(_ value: Double) throws(TorchError) { try perform("fill_") { ct_fill(handle, value) } }

    /// Adds `other` to the elements.
    package func add(_ other: Tensor) throws(TorchError) {
        try perform("add_") { ct_add_in_place(handle, other.handle) }
    }
}

/// Softmax attention of `q` `[B, H, T, D]` over those of `k` and `v` `[B, H, S, D]` for which `mask` is true, scaled by
/// D^-0.5; `mask` broadcasts to `[B, H, T, S]`.
package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor) throws(TorchError) -> Tensor {
    try make("attention") { ct_attention_masked(q.handle, k.handle, v.handle, mask.handle, &$0) }
}
