package import Layers
import Tensors

/// What brings together the gradients of the processes of a run, before they are limited.
package protocol GradientReducer: Sendable {
    /// Is called before the last backward pass of a step: a gradient that this pass completes may be on its way to the
    /// other processes while the pass goes on. Passes before it only add to the gradients.
    func begin(_ parameters: Parameters) throws
    /// Waits until the gradients of `parameters` are the same in all processes: the sums over them.
    func finish(_ parameters: Parameters) throws
}

/// Gradients of one process, which are complete as they are.
package struct OwnGradients: GradientReducer {
    package init() {}
    package func begin(_ parameters: Parameters) {}
    package func finish(_ parameters: Parameters) {}
}
