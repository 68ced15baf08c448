import ArgumentParser
import Commands
import Loading
import Training

extension StageRun {
    /// Trains on a single batch, up to `steps` steps, and says whether it is learned by heart: a model
    /// that cannot learn one batch cannot learn.
    ///
    /// Dropout and weight decay are off, and the rate stays at its peak. Nothing is kept but the start.
    func check(steps: Int) async throws {
        let objective = try stage.objective(on: device, dropout: 0)
        var batches = loading.batches
        batches.tokenize = objective.tokens(of:)
        let batch = try await batches.withBatches(after: 0) { next in try await next() }.distinct
        guard batch.count > 1 else {
            throw CommandError(
                .badInput,
                "training.batch_size: the first batch has \(batch.count) pair that is unlike the others: "
                    + "nothing can be told apart; take a larger batch, or other data")
        }
        var options = try options(of: objective)
        options.batchSize = batch.count
        options.weightDecay = 0
        options.schedule = Schedule(
            peak: schedule.peak, floor: schedule.peak, warmUpSteps: min(20, steps / 10), steps: steps)
        let trainer = try Trainer(objective, options, device: device, threads: threads)
        var check = OverfitCheck(stage.expectations(candidates: batch.count), steps: steps)
        let progress = TrainingProgress(label: "check", steps: steps)
        var verdict: OverfitCheck.Verdict?
        for step in 1...steps where verdict == nil {
            try Task.checkCancellation()
            let report = try await trainer.train(on: batch)
            progress.show(
                RunRecord(
                    step: step, loss: report.loss, learningRate: report.learningRate, samplesPerSecond: 0, seconds: 0,
                    terms: report.terms))
            verdict = check.note(step: step, terms: report.terms)
        }
        progress.finish()
        for line in check.report { try printResult(line) }
        guard verdict == .passed else { throw ExitCode(CommandError.Code.failedWork.rawValue) }
    }
}
