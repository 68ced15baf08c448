package import Layers

/// What brings together the gradients of the processes of a run, after the backward pass and before they are limited.
package protocol GradientReducer: Sendable {
    /// Makes the gradients of `parameters` the same in all processes: those of the global batch.
    func reduce(gradientsOf parameters: Parameters) throws
}

/// A run of one process, whose gradients are those of the global batch.
package struct OneProcess: GradientReducer {
    package init() {}
    package func reduce(gradientsOf parameters: Parameters) {}
}
