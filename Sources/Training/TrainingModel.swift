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
    /// Adds the gradients of the losses of `batch` to those of the parameters, by one or several calls of
    /// `pass.backward`, the last of them marked so, and gives the losses.
    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses
    /// Brings parameters back into their bounds after a step.
    func constrain() throws(TorchError)
}

extension TrainingModel {
    package var frozen: [FrozenWeights] { [] }
    /// Matrices decay; parameters of one dimension or none do not.
    package func groups(decay: Double) -> [ParameterGroup] { parameters.groups(decay: decay) }
    package func constrain() throws(TorchError) {}
}

/// The losses of a step: this process's shares, which add up over the processes to those of the global batch.
package struct StepLosses: Sendable, Equatable {
    /// What is made small.
    package let total: Double
    /// What is shown beside it by name: the terms of the total, and figures such as an accuracy.
    package let terms: [String: Double]

    /// A loss of the `terms` that the log shows by name; none where the total is a single term.
    package init(total: Double, terms: [String: Double] = [:]) {
        (self.total, self.terms) = (total, terms)
    }
}

/// What a model in training is given for a batch beside the batch itself.
package struct StepPass {
    /// The step, and which samples of its global batch are at hand.
    package let context: StepContext
    /// How many samples the global batch has.
    package let batchSize: Int
    /// The processes that the global batch is divided among.
    package let group: any ProcessGroup
    /// Whether the step trains; otherwise, in validation, nothing is dropped and no gradient is taken.
    package let isTraining: Bool

    private let scale: Double
    private let autocast: (dtype: DType, device: Device)
    private let beforeLast: () throws -> Void

    /// A pass whose losses are multiplied by `scale` before their gradients are taken; `beforeLast` is called before the
    /// last backward pass.
    ///
    /// It is computed within `autocast`.
    package init(
        _ context: StepContext, batchSize: Int, _ group: any ProcessGroup = OneProcess(), isTraining: Bool = true,
        scale: Double = 1, autocast: (dtype: DType, device: Device) = (.float32, .cpu),
        beforeLast: @escaping () throws -> Void = {}
    ) {
        (self.context, self.batchSize, self.group, self.isTraining) = (context, batchSize, group, isTraining)
        (self.scale, self.autocast, self.beforeLast) = (scale, autocast, beforeLast)
    }

    /// Runs `body`, a part with element types of its own, outside of `autocast`.
    package func inOwnTypes<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        try pausingAutocast(autocast.dtype, on: autocast.device, body)
    }

    /// The step's context for the pairs `numbers` of the global batch, which are at hand.
    package func context(of numbers: Range<Int>) -> StepContext {
        let first = context.samples.lowerBound
        return context.part(numbers.lowerBound - first..<numbers.upperBound - first)
    }

    /// Adds the gradients of `loss`, a scalar, unless this is validation.
    ///
    /// `isLast` says that the step has no backward pass after this one.
    package func backward(_ loss: Tensor, isLast: Bool = true) throws {
        guard isTraining else { return }
        if isLast { try beforeLast() }
        try (scale == 1 ? loss : loss * scale).backward()
    }

    /// Adds the gradients of what `outputs` was computed from, where `gradient` is that of `outputs` and is scaled already.
    package func backward(_ outputs: Tensor, gradient: Tensor, isLast: Bool) throws {
        guard isTraining else { return }
        if isLast { try beforeLast() }
        // The gradient of a sum of products with constants are the constants.
        let count = gradient.shape.reduce(1, *)
        try (outputs.to(gradient.dtype) * gradient).reshaped([1, count]).summed().reshaped([]).backward()
    }
}

extension StepPass {
    /// Takes the gradients of `loss`, the step's only one.
    package func only(_ loss: Tensor) throws -> StepLosses {
        try backward(loss)
        return StepLosses(total: Double(try loss.detached().floats()[0]))
    }
}
