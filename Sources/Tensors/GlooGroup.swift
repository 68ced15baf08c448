import CTorch

/// Processes that exchange tensors through c10d's gloo, over TCP between their processors.
///
/// Tensors of a device go by way of the processor's memory. A call waits for all the others; where one is gone or too slow
/// it throws a `TorchError` of the kind `groupLost`, and the group is then of no use any more.
package final class GlooGroup: ProcessGroup, @unchecked Sendable {  // the shim lets one call through at a time
    let handle: ct_group_t
    package let index: Int
    package let count: Int

    /// Joins the group `name` of `count` processes over `store` as number `index`.
    ///
    /// The other processes reach this one at `address`. A call waits for the others for `timeout`.
    package init(
        _ name: String, over store: ProcessStore, index: Int, count: Int, address: String, timeout: Duration
    ) throws(TorchError) {
        var out: ct_group_t?
        try perform("process group") {
            ct_group_make(store.handle, name, Int32(index), Int32(count), address, timeout.milliseconds, &out)
        }
        guard let out else { throw TorchError(operation: "process group", message: "no memory") }
        (handle, self.index, self.count) = (out, index, count)
    }

    deinit { ct_group_free(handle) }

    package func sum(_ tensors: [Tensor]) throws(TorchError) {
        let handles: [ct_tensor_t?] = tensors.map(\.handle)
        try withExtendedLifetime(tensors) { () throws(TorchError) in
            try perform("sum over processes") { ct_group_sum(handle, handles, Int32(handles.count)) }
        }
    }

    package func gathered(_ tensor: Tensor) throws(TorchError) -> Tensor {
        let ones = [Int64](repeating: 1, count: count)
        let own = try Tensor([tensor.shape[0]], shape: [1])
        let rows = try make("gather") { ct_group_gather(handle, own.handle, ones, &$0) }.integers().map(Int64.init)
        return try make("gather") { ct_group_gather(handle, tensor.handle, rows, &$0) }
    }

    package func gathered(_ bytes: [UInt8]) throws(TorchError) -> [[UInt8]] {
        let lengths = try gathered(Tensor([bytes.count], shape: [1])).integers()
        var rest = try gathered(Tensor(bytes, shape: [bytes.count])).bytes()[...]
        return lengths.map { length in
            defer { rest = rest.dropFirst(length) }
            return Array(rest.prefix(length))
        }
    }

    package func exchanged(_ parts: [Tensor]) throws(TorchError) -> [Tensor] {
        precondition(parts.count == count, "one part for each process")
        let ones = [Int64](repeating: 1, count: count)
        let sent = parts.map { $0.shape[0] }
        let counts = try Tensor(sent, shape: [count])
        let received = try make("exchange") { ct_group_exchange(handle, counts.handle, ones, ones, &$0) }.integers()
        let all = try concatenated(parts, dimension: 0)
        let came = try make("exchange") {
            ct_group_exchange(handle, all.handle, sent.map(Int64.init), received.map(Int64.init), &$0)
        }
        var start = 0
        var split: [Tensor] = []
        for rows in received {
            split.append(try came.narrowed(0, start..<start + rows))
            start += rows
        }
        return split
    }

    package func meet() throws(TorchError) { try perform("meeting of processes") { ct_group_meet(handle) } }
}
