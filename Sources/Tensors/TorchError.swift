import CTorch

/// A failure inside libtorch: the operation that was asked for and what libtorch said.
package struct TorchError: Error, Equatable, CustomStringConvertible {
    /// What can be done about a failure.
    package enum Kind: Sendable {
        /// The device has too little free memory.
        case outOfMemory
        /// The device computes nothing any more in this process.
        case deviceLost
        /// Another process of a group is gone, or did not answer in time; the group is of no use any more.
        case groupLost
        case other
    }

    package let kind: Kind
    package let operation: String
    package let message: String

    package init(_ kind: Kind = .other, operation: String, message: String) {
        self.kind = kind
        self.operation = operation
        self.message = message
    }

    package var description: String { "libtorch: \(operation): \(message)" }
}

/// Calls a shim function that yields one tensor and takes ownership of it.
func make(_ operation: String, _ body: (inout ct_tensor_t?) -> Int32) throws(TorchError) -> Tensor {
    var out: ct_tensor_t?
    guard body(&out) == 0, let out else { throw lastError(operation) }
    return Tensor(owning: out)
}

/// Calls a shim function that yields nothing.
func perform(_ operation: String, _ body: () -> Int32) throws(TorchError) {
    guard body() == 0 else { throw lastError(operation) }
}

private func lastError(_ operation: String) -> TorchError {
    let kind: TorchError.Kind =
        switch ct_last_failure() {
        case CT_FAILURE_MEMORY: .outOfMemory
        case CT_FAILURE_GROUP: .groupLost
        default: .other
        }
    return TorchError(kind, operation: operation, message: String(cString: ct_last_error()))
}
