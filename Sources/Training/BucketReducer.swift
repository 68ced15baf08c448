package import Layers
import Locks
package import Tensors

/// Sums gradients over processes in buckets, each as soon as it is complete while the backward pass goes on.
///
/// Buckets are filled in the order in which gradients become ready. The first step tells that order, as process 0 saw it;
/// until then the last parameters by name are taken for the first. The order changes no bit of a sum. Use it with one model.
package final class BucketReducer: GradientReducer {
    private struct State {
        var buckets: GradientBuckets?
        var isInOrder = false
    }

    private let group: GlooGroup
    private let byteCount: Int
    private let state = Locked(State())

    /// A reducer with buckets of about `byteCount` each over `group`, which nothing else uses.
    package init(over group: GlooGroup, byteCount: Int = 25 << 20) {
        self.group = group
        self.byteCount = byteCount
    }

    package func begin(_ parameters: Parameters) throws {
        try state.withLock { state in
            if state.buckets == nil { state.buckets = try buckets(parameters.tensors.reversed()) }
            try state.buckets?.begin()
        }
    }

    package func finish(_ parameters: Parameters) throws {
        try state.withLock { state in
            guard state.buckets != nil else { preconditionFailure("finish comes after begin") }
            try state.buckets?.finish()
            guard !state.isInOrder, let order = state.buckets?.order else { return }
            state.buckets = nil  // a parameter is in one set of buckets at a time
            state.buckets = try buckets(inOrder(order, parameters))
            state.isInOrder = true
        }
    }

    private func buckets(_ parameters: [Tensor]) throws -> GradientBuckets {
        try GradientBuckets(parameters, over: group, byteCount: byteCount)
    }

    /// The parameters in the order in which process 0 had their gradients; `order` is this process's.
    private func inOrder(_ order: [Int], _ parameters: Parameters) throws -> [Tensor] {
        let seen = try group.gathered(Tensor(order, shape: [parameters.tensors.count]))
        let reversed = Array(parameters.tensors.reversed())
        return try seen.integers().prefix(reversed.count).map { reversed[$0] }
    }
}
