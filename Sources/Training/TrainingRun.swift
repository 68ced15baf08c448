import Foundation
package import Loading
import ModelFolders
package import Tensors

/// Training from start to end, in a folder where a run that was broken off goes on exactly.
package struct TrainingRun: Sendable {
    package let folder: RunFolder
    package let objective: any Objective
    package let options: TrainingOptions
    package let batches: BatchLoader
    package let device: Device
    /// A checkpoint is written after every so many steps.
    package var checkpointInterval = 500
    /// The element type that the finished model is written with.
    package var modelType = DType.float32
    /// Is told of every sample that is damaged, and for which another stands in.
    package var noteDamage: @Sendable (DamagedSample) -> Void = { _ in }

    package init(
        _ folder: RunFolder, _ objective: any Objective, _ options: TrainingOptions, _ batches: BatchLoader,
        on device: Device
    ) {
        (self.folder, self.objective, self.options) = (folder, objective, options)
        self.device = device
        var batches = batches
        batches.tokenize = objective.tokens(of:)
        self.batches = batches
    }

    /// Trains up to the last step and writes the model; `report` is told of every step.
    ///
    /// A cancelled run writes a checkpoint and throws `CancellationError`; a folder whose run cannot go on as this one
    /// throws as `RunFolder.resume` does.
    package func callAsFunction(_ report: (Trainer.Report) -> Void) async throws {
        let trainer = try Trainer(objective, options, device: device)
        try await folder.resume(trainer)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try await steps(trainer, report)
        try await finish(trainer)
    }

    private func steps(_ trainer: Trainer, _ report: (Trainer.Report) -> Void) async throws {
        let start = await trainer.step
        guard start < options.schedule.steps else { return }
        let log = try RunLog(path: folder.log, after: start)
        var clock = StepClock(batchSize: options.batchSize)
        do {
            try await batches.withBatches(after: start) { next in
                for step in start + 1...options.schedule.steps {
                    try Task.checkCancellation()
                    let batch = try await next()
                    batch.damaged.forEach(noteDamage)
                    let made = try await trainer.train(on: batch)
                    try log.append(clock.entry(made))
                    report(made)
                    if step % checkpointInterval == 0 || step == options.schedule.steps {
                        try await save(trainer, log)
                    }
                }
            }
        } catch is CancellationError {
            if await trainer.step > start { try await save(trainer, log) }
            throw CancellationError()
        }
    }

    /// The log is on disk before the checkpoint that stands for it is there.
    private func save(_ trainer: Trainer, _ log: RunLog) async throws {
        try log.synchronize()
        try await folder.save(trainer)
        try LossCurve.write(log: folder.log, title: options.objective, to: folder.curve)
    }

    private func finish(_ trainer: Trainer) async throws {
        try await trainer.writeModel(as: modelType, to: folder.path)
    }
}

/// What the log says of a step.
private struct StepClock {
    private let batchSize: Int
    private let start = ContinuousClock.now
    private var last = ContinuousClock.now

    init(batchSize: Int) { self.batchSize = batchSize }

    mutating func entry(_ report: Trainer.Report) -> RunRecord {
        let now = ContinuousClock.now
        defer { last = now }
        return RunRecord(
            step: report.step, loss: report.loss, learningRate: report.learningRate,
            samplesPerSecond: Double(batchSize) / ((now - last) / .seconds(1)), seconds: (now - start) / .seconds(1),
            terms: report.terms.merging(["gradient_norm": report.gradientNorm]) { term, _ in term })
    }
}
