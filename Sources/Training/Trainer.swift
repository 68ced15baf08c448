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
        /// Whether some process was asked to stop.
        package let isStopped: Bool
    }

    private let executor = TorchExecutor()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Steps that were taken.
    private(set) package var step = 0

    private let objective: any Objective
    private let options: TrainingOptions
    private let device: Device
    private let dtype: DType
    private let threads: Int
    private let model: any TrainingModel
    private let optimizer: AdamW
    /// The names of the optimizer's parameters, in its order.
    private let optimized: [String]
    /// What the rate of the slowest parameters is multiplied by.
    private let lowestFactor: Double
    private let group: any ProcessGroup
    private let reducer: any GradientReducer
    /// Where the precision needs one.
    private var lossScale: LossScale?

    /// Training of the model that `objective` starts from, together with the other processes of `group`, whose gradients
    /// `reducer` adds up; with `threads` threads, or those of the options.
    package init(
        _ objective: any Objective, _ options: TrainingOptions, device: Device, threads: Int? = nil,
        group: any ProcessGroup = OneProcess(), reducer: any GradientReducer = OwnGradients()
    ) throws {
        self.objective = objective
        self.options = options
        self.device = device
        dtype = (Precision(rawValue: options.precision) ?? .float32).dtype(on: device)
        lossScale = dtype == .float16 ? LossScale() : nil
        self.threads = threads ?? options.threads ?? 1
        (self.group, self.reducer) = (group, reducer)
        model = try objective.model(on: device)
        let groups = model.groups(decay: options.weightDecay)
        optimized = groups.flatMap(\.names)
        lowestFactor = groups.map(\.rateFactor).min() ?? 1
        optimizer = try AdamW(model.parameters, groups, options.optimizer)
    }

    /// How far the training is, and all that must be the same for it to go on.
    var state: RunState { RunState(step: step, options: options, frozen: model.frozen, lossScale: lossScale) }

    /// How much is trained.
    package var inventory: Inventory { Inventory(model) }

    /// Takes the next step, with `batch`, this process's part of the global one; `stop` says that the run should end.
    ///
    /// Throws `diverged` when the loss is not a finite number; the parameters then stay as they are.
    package func train(on batch: TrainingBatch, stop: Bool = false) throws -> Report {
        useThreads(threads)
        let parameters = model.parameters
        try clearGradients(parameters.tensors)
        let scale = lossScale?.value ?? 1
        let pass = StepPass(
            context(step + 1, batch), batchSize: options.batchSize, group, scale: scale, autocast: (dtype, device)
        ) { [reducer] in try reducer.begin(parameters) }
        let own = try autocast(dtype, on: device) { try model.losses(of: batch, pass) }
        try reducer.finish(parameters)
        let (losses, isStopped) = try summed(own, stop: stop)
        guard losses.total.isFinite else { throw try notFinite("loss", losses, batch) }
        if scale != 1 { try scaleGradients(parameters.tensors, by: 1 / scale) }
        let norm = try clipGradients(parameters.tensors, limit: options.gradientLimit)
        lossScale?.note(overflowed: !norm.isFinite)
        guard norm.isFinite || lossScale?.isExhausted == false else { throw try notFinite("gradient", losses, batch) }
        let rate = options.schedule.rate(at: step + 1)
        step += 1
        if norm.isFinite {
            try optimizer(step: step - (lossScale?.skipped ?? 0), rate: rate)
            try model.constrain()
        }
        let terms = lowestFactor == 1 ? [:] : ["lowest_learning_rate": rate * lowestFactor]
        return Report(
            step: step, loss: losses.total, learningRate: rate, gradientNorm: norm,
            terms: losses.terms.merging(terms) { loss, _ in loss }, isStopped: isStopped)
    }

    /// The losses of `batch`, the validation's `number`th, this process's part of the global one, without training; nil
    /// where some process was asked to stop.
    package func validate(on batch: TrainingBatch, _ number: Int, stop: Bool = false) throws -> StepLosses? {
        useThreads(threads)
        // The step is the batch's number: each validation draws the same negatives.
        let pass = StepPass(
            context(number, batch), batchSize: options.batchSize, group, isTraining: false, autocast: (dtype, device))
        let own = try inference { () throws in
            try autocast(dtype, on: device) { try model.losses(of: batch, pass) }
        }
        let (losses, isStopped) = try summed(own, stop: stop)
        return isStopped ? nil : losses
    }

    private func context(_ step: Int, _ batch: TrainingBatch) -> StepContext {
        StepContext(seed: options.seed, step: step, samples: batch.numbers)
    }

    /// The losses of the global batch, of which every process has its share, and whether one of them is to stop.
    private func summed(_ own: StepLosses, stop: Bool) throws -> (StepLosses, isStopped: Bool) {
        guard group.count > 1 else { return (own, stop) }
        let names = own.terms.keys.sorted()
        let values = [stop ? 1 : 0, own.total] + names.map { own.terms[$0] ?? 0 }
        let sums = try Tensor(values.map { Float($0) }, shape: [values.count]).to(.float32, on: device)
        try group.sum([sums])
        let all = try sums.floats().map { Double($0) }
        let terms = Dictionary(uniqueKeysWithValues: zip(names, all.dropFirst(2)))
        return (StepLosses(total: all[1], terms: terms), all[0] > 0)
    }

    /// What ends a run whose `figure` is not finite: the step, its losses, and the keys of its samples.
    private func notFinite(_ figure: String, _ losses: StepLosses, _ batch: TrainingBatch) throws -> TrainingError {
        let keys = try group.gathered(Array(batch.keys.joined(separator: "\n").utf8))
            .flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
        let terms = losses.terms.sorted { $0.key < $1.key }.map { ", \($0) \($1)" }.joined()
        let named = keys.prefix(8).joined(separator: ", ") + (keys.count > 8 ? " and \(keys.count - 8) more" : "")
        return TrainingError(
            .diverged, objective.directory.path,
            "the \(figure) of step \(step + 1) is not finite (loss \(losses.total)\(terms); samples \(named)): "
                + "resume from the last checkpoint with a lower learning rate in another output")
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

    /// Goes on from what `write` wrote in the state `saved`.
    func read(from folder: String, _ saved: RunState) throws {
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
        (step, lossScale) = (saved.step, saved.lossScale)
    }

    /// Writes the model, its parameters as `dtype`, into the folder `folder`, which is there.
    func writeModel(as dtype: DType, to folder: String) throws {
        try objective.write(
            Dictionary(uniqueKeysWithValues: zip(model.parameters.names, model.parameters.tensors)), as: dtype,
            to: folder)
    }
}
