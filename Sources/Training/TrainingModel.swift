package import Layers
package import Loading
package import Tensors

/// A model in training: its parameters, and the losses of a batch.
///
/// It is made once, of its parameters, which the optimizer changes in place.
package protocol TrainingModel {
    /// What is trained.
    var parameters: Parameters { get }
    /// What the model has beside them, and what no step changes.
    var frozen: [FrozenWeights] { get }
    /// The parameters in groups for the optimizer, each in one of them; `decay` is the run's weight decay.
    func groups(decay: Double) -> [ParameterGroup]
    /// The losses of `batch`, at the step and for the samples that `context` names.
    func losses(of batch: TrainingBatch, _ context: StepContext) throws -> StepLosses
    /// Brings parameters back into their bounds after a step.
    func constrain() throws(TorchError)
}

extension TrainingModel {
    package var frozen: [FrozenWeights] { [] }
    /// Matrices decay; parameters of one dimension or none do not.
    package func groups(decay: Double) -> [ParameterGroup] { parameters.groups(decay: decay) }
    package func constrain() throws(TorchError) {}
}

/// The losses of a step.
package struct StepLosses {
    /// What is made small: a scalar that gradients can be taken of.
    package let total: Tensor
    /// What is shown beside it, scalars by name: the terms of the total, and figures such as an accuracy.
    package let terms: [String: Tensor]

    /// A loss of the `terms` that the log shows by name; none where the total is a single term.
    package init(total: Tensor, terms: [String: Tensor] = [:]) {
        (self.total, self.terms) = (total, terms)
    }
}
