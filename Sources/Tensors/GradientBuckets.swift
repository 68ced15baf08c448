import CTorch

/// The gradients of parameters in buckets, which a thread of its own sums over processes while the backward pass goes on.
///
/// The buckets are filled in the order of the parameters, which is the same in all processes, and summed in theirs: in
/// which order the gradients come does not matter, and the sums have the same bits in every run and every division.
package final class GradientBuckets: @unchecked Sendable {  // used by the trainer's thread, one call after the other
    private let handle: ct_buckets_t
    private let count: Int
    private let group: GlooGroup

    /// Buckets of about `byteCount` each for the float32 `parameters`, over a group that nothing else uses.
    ///
    /// A parameter is in one `GradientBuckets` at a time.
    package init(_ parameters: [Tensor], over group: GlooGroup, byteCount: Int) throws(TorchError) {
        let handles: [ct_tensor_t?] = parameters.map(\.handle)
        var out: ct_buckets_t?
        try withExtendedLifetime(parameters) { () throws(TorchError) in
            try perform("gradient buckets") {
                ct_buckets_make(group.handle, handles, Int32(handles.count), Int64(byteCount), &out)
            }
        }
        guard let out else { throw TorchError(operation: "gradient buckets", message: "no memory") }
        (handle, count, self.group) = (out, parameters.count, group)
    }

    deinit { ct_buckets_free(handle) }

    /// Takes each gradient from now on as soon as a backward pass has added to it: one pass may follow.
    package func begin() throws(TorchError) { try perform("gradient buckets") { ct_buckets_begin(handle) } }

    /// Waits until the gradients are the sums over the processes.
    ///
    /// A parameter that has no gradient in this process counts as zeros; one that has none in any process has none.
    package func finish() throws(TorchError) { try perform("sum of gradients") { ct_buckets_finish(handle) } }

    /// The numbers of the parameters in the order in which their gradients came in the pass that was finished last.
    package var order: [Int] {
        var order = [Int64](repeating: 0, count: count)
        ct_buckets_order(handle, &order)
        return order.map { Int($0) }
    }
}
