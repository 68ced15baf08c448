import Foundation

/// What the first process of a run writes down of its steps: the log, the event file, what the watch says, and which step
/// is the best.
struct RunJournal {
    private let log: RunLog
    private let events: EventFile
    private var clock: StepClock
    private(set) var watch: LossWatch?
    private var best: BestStep?

    /// That of `run`, whose checkpoint holds `completedSteps`.
    init(_ run: TrainingRun, after completedSteps: Int) throws {
        log = try RunLog(path: run.folder.log, after: completedSteps)
        events = try EventFile(folder: run.folder.path, after: completedSteps)
        clock = StepClock(batchSize: run.options.batchSize)
        let earlier = try RunLog.read(run.folder.log)
        watch = run.watch
        watch?.replay(earlier)
        best = BestStep(of: earlier)
    }

    /// What the log has of the last step.
    var last: RunRecord? { log.last }

    /// Notes a step.
    mutating func append(_ report: Trainer.Report) throws { try log.append(clock.entry(report)) }

    /// Adds the validation's losses to the last step; true where it is the best.
    mutating func validate(_ losses: [String: Double]) throws -> Bool {
        guard let record = try log.amend(losses), let found = BestStep(of: [record]),
            found.loss < best?.loss ?? .infinity
        else { return false }
        best = found
        return true
    }

    /// Notes that the last step is complete; `notice` is told what the watch says of it.
    mutating func close(_ notice: (String) -> Void) throws -> RunRecord? {
        guard let record = log.last else { return nil }
        try events.append(record)
        watch?.note(record).forEach(notice)
        return record
    }

    func synchronize() throws {
        try log.synchronize()
        try events.synchronize()
    }
}

/// The step whose model had the lowest validation loss.
package struct BestStep: Sendable, Equatable {
    package let step: Int
    package let loss: Double

    /// That of the run in `folder`, by its log; nil where nothing was validated.
    init?(of folder: RunFolder) throws {
        guard FileManager.default.fileExists(atPath: folder.log) else { return nil }
        self.init(of: try RunLog.read(folder.log))
    }

    /// That of `records`; nil where none was validated.
    init?(of records: [RunRecord]) {
        let validated = records.compactMap { record in
            record.terms["validation_loss"].flatMap { loss in
                loss.isFinite ? BestStep(step: record.step, loss: loss) : nil
            }
        }
        guard let best = validated.min(by: { $0.loss < $1.loss }) else { return nil }
        self = best
    }

    private init(step: Int, loss: Double) { (self.step, self.loss) = (step, loss) }
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
