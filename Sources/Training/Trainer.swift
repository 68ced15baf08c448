import Layers
package import Loading
import ModelFolders
package import Tensors

/// One model in training: its parameters, the optimizer and how many steps were taken.
///
/// Everything of it runs on a thread of its own, which libtorch may block.
package actor Trainer {
    /// What one step was like.
    package struct Report: Sendable, Equatable {
        /// The step's number, from 1.
        package let step: Int
        /// The loss of the step's batch before the step.
        package let loss: Double
        package let learningRate: Double
        /// The length of the gradient before it was limited.
        package let gradientNorm: Double
        /// What the model shows beside the loss, by name.
        package let terms: [String: Double]
    }

    private let executor = TorchExecutor()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Steps that were taken.
    private(set) package var step = 0

    private let objective: any Objective
    private let options: TrainingOptions
    private let device: Device
    private let dtype: DType
    private let model: any TrainingModel
    private let optimizer: AdamW
    /// The names of the optimizer's parameters, in its order.
    private let optimized: [String]
    private let reducer: any GradientReducer

    /// Training of the model that `objective` starts from, together with the processes that `reducer` reaches.
    package init(
        _ objective: any Objective, _ options: TrainingOptions, device: Device,
        reducer: any GradientReducer = OneProcess()
    ) throws {
        self.objective = objective
        self.options = options
        self.device = device
        dtype = (Precision(rawValue: options.precision) ?? .float32).dtype(on: device)
        self.reducer = reducer
        model = try objective.model(on: device)
        let groups = model.groups(decay: options.weightDecay)
        optimized = groups.flatMap(\.names)
        optimizer = try AdamW(model.parameters, groups)
    }

    /// How far the training is, and all that must be the same for it to go on.
    var state: RunState { RunState(step: step, options: options, frozen: model.frozen) }

    /// Takes the next step, with `batch`.
    ///
    /// Throws `diverged` when the loss is not a finite number; the parameters then stay as they are.
    package func train(on batch: TrainingBatch) throws -> Report {
        useThreads(options.threads)
        let parameters = model.parameters
        try clearGradients(parameters.tensors)
        let context = StepContext(seed: options.seed, step: step + 1, samples: batch.numbers)
        let losses = try autocast(dtype, on: device) { try model.losses(of: batch, context) }
        let value = Double(try losses.total.floats()[0])
        guard value.isFinite else {
            throw TrainingError(
                .diverged, objective.directory.path, "the loss of step \(step + 1) is \(value): lower the learning rate"
            )
        }
        try losses.total.backward()
        try reducer.reduce(gradientsOf: parameters)
        let norm = try clipGradients(parameters.tensors, limit: options.gradientLimit)
        guard norm.isFinite else {
            throw TrainingError(
                .diverged, objective.directory.path,
                "the gradient of step \(step + 1) is \(norm) long: lower the learning rate")
        }
        let rate = options.schedule.rate(at: step + 1)
        try optimizer(step: step + 1, rate: rate)
        try model.constrain()
        step += 1
        let terms = try losses.terms.mapValues { Double(try $0.floats()[0]) }
        return Report(step: step, loss: value, learningRate: rate, gradientNorm: norm, terms: terms)
    }

    /// Writes what training needs to go on exactly from here into the folder `folder`, which is there and empty.
    func write(to folder: String) throws {
        let parameters = Dictionary(uniqueKeysWithValues: zip(model.parameters.names, model.parameters.tensors))
        try writeSafetensors(parameters, to: folder + "/model.safetensors")
        let states = [("mean.", optimizer.means), ("square.", optimizer.squares)].flatMap { prefix, tensors in
            zip(optimized, tensors).map { (prefix + $0, $1) }
        }
        try writeSafetensors(Dictionary(uniqueKeysWithValues: states), to: folder + "/optimizer.safetensors")
    }

    /// Goes on from what `write` wrote after `step` steps.
    func read(from folder: String, step: Int) throws {
        let model = try Checkpoint(file: folder + "/model.safetensors")
        let states = try Checkpoint(file: folder + "/optimizer.safetensors")
        let parameters = self.model.parameters
        for (name, parameter) in zip(parameters.names, parameters.tensors) {
            try parameter.detached().assign(model.tensor(name))
        }
        for (place, name) in optimized.enumerated() {
            try optimizer.means[place].assign(states.tensor("mean." + name))
            try optimizer.squares[place].assign(states.tensor("square." + name))
        }
        self.step = step
    }

    /// Writes the parameters as `dtype`, as a checkpoint of the model hub has them.
    func writeModel(as dtype: DType, to path: String) throws {
        var converted: [String: Tensor] = [:]
        for (name, tensor) in zip(model.parameters.names, model.parameters.tensors) {
            converted[name] = try tensor.detached().to(dtype)
        }
        try writeSafetensors(converted, to: path)
    }
}
