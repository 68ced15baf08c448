import Foundation
package import Loading
import Locks
import ModelFolders
package import Tensors

/// Training from start to end, in a folder where a run that was broken off goes on exactly.
///
/// Every process of a run has one, with the same options; the first one writes the folder, which all read.
package struct TrainingRun: Sendable {
    /// What is validated and when.
    package struct Validation: Sendable {
        /// The samples, in batches of the run's size.
        package let batches: any BatchSource
        /// How many of the batches, from the first.
        package let count: Int
        /// After how many steps.
        package let interval: Int

        package init(_ batches: any BatchSource, count: Int, every interval: Int) {
            precondition(count > 0 && interval > 0, "at least one batch")
            (self.batches, self.count, self.interval) = (batches, count, interval)
        }
    }

    package let folder: RunFolder
    package let objective: any Objective
    package let options: TrainingOptions
    package let batches: any BatchSource
    package let device: Device
    /// How many threads the model has; nil for as many as the options say.
    package var threads: Int?
    /// A checkpoint is written after every so many steps.
    package var checkpointInterval = 500
    /// Which checkpoints are kept.
    package var keeping = CheckpointRule()
    package var validation: Validation?
    /// The element type that the finished model is written with.
    package var modelType = DType.float32
    /// What the losses are before anything is learned and the least they can be; shown beside their curves.
    package var expectations = LossExpectations.none
    /// Watches the losses; nil for none.
    package var watch: LossWatch?
    /// Is told what the watch has to say, a line at a time.
    package var notice: @Sendable (String) -> Void = { _ in }
    /// Is told of every sample that is damaged, and for which another stands in.
    package var noteDamage: @Sendable (DamagedSample) -> Void = { _ in }

    /// The processes of the run, and what adds up their gradients.
    package var group: any ProcessGroup = OneProcess()
    package var reducer: any GradientReducer = OwnGradients()

    package init(
        _ folder: RunFolder, _ objective: any Objective, _ options: TrainingOptions, _ batches: any BatchSource,
        on device: Device
    ) {
        (self.folder, self.objective, self.options) = (folder, objective, options)
        self.device = device
        self.batches = batches
    }

    /// What a run came to.
    package struct Ended: Sendable, Equatable {
        /// The step with the lowest validation loss, and that; nil without validation.
        package let best: BestStep?
        /// What the watch says of the run as a whole.
        package let summary: [String]
    }

    /// Trains up to the last step and writes the model.
    ///
    /// `begin` is told how many steps were taken before and what the model has; `report` what the log has of every step, in
    /// the first process alone. A cancelled run writes a checkpoint and throws `CancellationError`; a folder whose run
    /// cannot go on as this one throws as `RunFolder.resume` does.
    @discardableResult package func callAsFunction(
        _ report: @escaping @Sendable (RunRecord) -> Void,
        begin: @Sendable (Int, Inventory) -> Void = { _, _ in }
    ) async throws -> Ended {
        let trainer = try Trainer(
            objective, options, device: device, threads: threads, group: group, reducer: reducer)
        try await folder.resume(trainer)
        await begin(trainer.step, trainer.inventory)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let stop = StopRequest()
        return try await withTaskCancellationHandler {
            // A task of its own, which is not cancelled: all processes stop behind the same step.
            try await Task {
                let watch = try await steps(trainer, stop, report)
                return try await finish(trainer, watch)
            }.value
        } onCancel: {
            stop.make()
        }
    }

    private var isFirst: Bool { group.index == 0 }

    private func steps(
        _ trainer: Trainer, _ stop: StopRequest, _ report: (RunRecord) -> Void
    ) async throws -> LossWatch? {
        let start = await trainer.step
        var journal = isFirst ? try RunJournal(self, after: start) : nil
        if try lacksValidation(start, journal) {
            guard let losses = try await validated(trainer, stop) else { throw CancellationError() }
            let isBest = try journal?.validate(losses) ?? false
            try await save(trainer, journal, isBest: isBest)
        }
        guard start < options.schedule.steps else { return journal?.watch }
        try await own(batches).withBatches(after: start, isolation: #isolation) { next in
            for step in start + 1...options.schedule.steps {
                let batch = try await next()
                batch.damaged.forEach(noteDamage)
                let made = try await trainer.train(on: batch, stop: stop.isMade)
                try journal?.append(made)
                var (isBest, isStopped) = (false, made.isStopped)
                if isValidated(step), !isStopped {
                    if let losses = try await validated(trainer, stop) {
                        isBest = try journal?.validate(losses) ?? false
                    } else {
                        isStopped = true
                    }
                }
                if let record = try journal?.close(notice) { report(record) }
                if isBest || isStopped || step % checkpointInterval == 0 || step == options.schedule.steps {
                    try await save(trainer, journal, isBest: isBest)
                }
                if isStopped { throw CancellationError() }
            }
        }
        return journal?.watch
    }

    /// Whether the step `start`, behind which the run goes on, was to be validated and was not: it was stopped there.
    private func lacksValidation(_ start: Int, _ journal: RunJournal?) throws -> Bool {
        guard start > 0, isValidated(start) else { return false }
        // The first process knows the log.
        let lacks: [UInt8] = journal?.last?.terms["validation_loss"] == nil ? [1] : [0]
        return try group.gathered(lacks)[0] == [1]
    }

    private func own(_ batches: any BatchSource) -> any BatchSource {
        batches.part(of: ProcessRank(group.index, of: group.count), tokenize: objective.tokens(of:))
    }

    private func isValidated(_ step: Int) -> Bool {
        guard let validation else { return false }
        return step % validation.interval == 0 || step == options.schedule.steps
    }

    /// The mean losses over the validation's batches, by the log's names; nil where the run was asked to stop.
    private func validated(_ trainer: Trainer, _ stop: StopRequest) async throws -> [String: Double]? {
        guard let validation else { return [:] }
        return try await own(validation.batches).withBatches(after: 0, isolation: #isolation) { next in
            var sums: [String: Double] = [:]
            for number in 1...validation.count {
                let batch = try await next()
                batch.damaged.forEach(noteDamage)
                guard let losses = try await trainer.validate(on: batch, number, stop: stop.isMade) else { return nil }
                sums.merge(losses.terms.merging(["loss": losses.total]) { _, total in total }) { $0 + $1 }
            }
            return Dictionary(
                uniqueKeysWithValues: sums.map { ("validation_" + $0.key, $0.value / Double(validation.count)) })
        }
    }

    /// The log is on disk before the checkpoint that stands for it is there.
    private func save(_ trainer: Trainer, _ journal: RunJournal?, isBest: Bool) async throws {
        guard let journal else { return }
        try journal.synchronize()
        try await folder.save(trainer, keeping, isBest: isBest)
        try LossCurve.write(
            log: folder.log, title: options.objective, expectations: expectations, to: folder.curve)
    }

    /// The model of the last step; where validation found an earlier one better, that one's too.
    private func finish(_ trainer: Trainer, _ watch: LossWatch?) async throws -> Ended {
        guard isFirst else { return Ended(best: nil, summary: []) }
        let best = try BestStep(of: folder)
        if let best, best.step != options.schedule.steps, let checkpoint = folder.best {
            try FileManager.default.createDirectory(atPath: folder.bestModel, withIntermediateDirectories: true)
            let stored = try Checkpoint(file: checkpoint + "/model.safetensors")
            let parameters = try stored.names.map { ($0, try stored.tensor($0)) }
            try objective.write(
                Dictionary(uniqueKeysWithValues: parameters), as: modelType, to: folder.bestModel)
            try TrainedStep(objective: options.objective, step: best.step).write(to: folder.bestModel)
        }
        try await trainer.writeModel(as: modelType, to: folder.path)
        try TrainedStep(objective: options.objective, step: options.schedule.steps).write(to: folder.path)
        return Ended(best: best, summary: watch?.summary() ?? [])
    }
}

/// Whether the run was asked to stop.
private final class StopRequest: Sendable {
    private let made = Locked(false)

    func make() { made.withLock { $0 = true } }
    var isMade: Bool { made.withLock { $0 } }
}
