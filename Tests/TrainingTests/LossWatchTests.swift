import Foundation
import RandomNumbers
import Testing

@testable import Training

@Suite("The watch on a run's losses") struct LossWatchTests {
    static let batches = [8, 64, 256, 1024, 1680]

    private func watch(
        _ batch: Int, steps: Int, warmUp: Int = 100, fresh: Bool = true
    ) -> LossWatch {
        LossWatch(
            .phaseOne(candidates: batch, vocabulary: 30_523), steps: steps, warmUpSteps: warmUp, startsFresh: fresh)
    }

    private func record(_ step: Int, _ terms: [String: Double]) -> RunRecord {
        let sum = ["itc", "itm", "itg"].reduce(0) { $0 + terms[$1, default: 0] }
        return RunRecord(step: step, loss: sum, learningRate: 1e-4, samplesPerSecond: 1, seconds: 1, terms: terms)
    }

    /// A normal number.
    private func noise(_ random: inout SplitMix64) -> Double {
        let length = (-2 * log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
        return length * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
    }

    /// A step of a model whose matching head says `-ln 2` and a little noise for every row, one in three of which
    /// matches, and for which all candidates are alike but for noise.
    private func deadStep(_ step: Int, _ batch: Int, _ random: inout SplitMix64) -> RunRecord {
        let rows = min(batch, 64) * 3
        let spread = (Double(batch) / Double(min(batch, 64))).squareRoot()
        var (loss, right) = (0.0, 0)
        for row in 0..<rows {
            let logit = -log(2) + 0.1 * noise(&random)
            let matches = row % 3 == 0
            loss += log(1 + exp(matches ? -logit : logit))
            right += (logit > 0) == matches ? 1 : 0
        }
        let itm = 0.6376 + (loss / Double(rows) - 0.6376) / spread
        let itc = log(Double(batch)) + 0.02 + 0.2 * noise(&random) / Double(batch).squareRoot()
        return record(
            step,
            [
                "itc": itc, "itm": itm, "itg": 2.6 + 7 * exp(-Double(step) / 100) + 0.1 * noise(&random),
                "itm_accuracy": Double(right) / Double(rows),
            ])
    }

    /// A value between those that are known at some steps.
    private func course(_ points: [(step: Double, value: Double)], _ step: Int) -> Double {
        let step = Double(step)
        for (a, b) in zip(points, points.dropFirst()) where step <= b.step {
            return a.value + (b.value - a.value) * (step - a.step) / (b.step - a.step)
        }
        return points.last?.value ?? 0
    }

    @Test(
        "names matching by the ratio alone and comparing by chance, once each, in small batches and large",
        arguments: batches)
    func dead(batch: Int) {
        var (watch, random) = (watch(batch, steps: 600, warmUp: 50), SplitMix64(seed: 1))
        let said = (1...600).flatMap { watch.note(deadStep($0, batch, &random)) }
        #expect(said.count == 2, "\(said)")
        #expect(
            said.contains {
                $0.hasPrefix("itm stays at 0.63") && $0.contains("66.7 %") && $0.contains("one row in three")
            })
        #expect(
            said.contains { $0.hasPrefix("itc stays at ") && $0.contains("chance is \(lossText(log(Double(batch))))") })
        let summary = watch.summary()
        #expect(watch.isDead && summary.count == 3, "\(summary)")
        #expect(summary[0].hasPrefix("itm never left 0.63") && summary[1].hasPrefix("itc never left "))
        #expect(summary[2].hasPrefix("the run is dead"))
    }

    /// Li et al.'s model in LAVIS, ViT-g, batch 1024: the sums at these steps are those of a public log; how they
    /// divide among the three losses is a guess.
    @Test("says nothing of a real run's losses, whatever the noise", arguments: batches)
    func real(batch: Int) {
        let total: [(step: Double, value: Double)] = [
            (1, 17.76), (50, 15.6), (500, 9.7), (1000, 8.35), (2000, 7.1), (6700, 6.31), (40_000, 5.2),
        ]
        let itm: [(step: Double, value: Double)] = [(1, 0.69), (50, 0.64), (1000, 0.63), (2000, 0.6), (40_000, 0.35)]
        let itg: [(step: Double, value: Double)] = [
            (1, 10.1), (50, 8.2), (500, 4.2), (1000, 3.6), (2000, 3.2), (6700, 2.9), (40_000, 2.6),
        ]
        let (scale, spread) = (log(Double(batch)) / log(1024), 1 / Double(batch).squareRoot())
        var (watch, random) = (watch(batch, steps: 44_980, warmUp: 5000), SplitMix64(seed: 2))
        var said: [String] = []
        for step in 1...44_980 {
            let (m, g) = (course(itm, step), course(itg, step))
            let c = (course(total, step) - m - g) * scale
            let accuracy = 0.667 + (0.64 - min(0.64, m)) * 0.8
            said += watch.note(
                record(
                    step,
                    [
                        "itc": c + 0.6 * spread * noise(&random), "itm": m + 0.3 * spread * noise(&random),
                        "itg": g + spread * noise(&random),
                        "itm_accuracy": accuracy + 0.27 * spread * noise(&random),
                    ]))
        }
        #expect(said.isEmpty && watch.summary().isEmpty && !watch.isDead, "\(said)")
    }

    @Test("says nothing of a small run in small batches that learns slowly")
    func slow() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var (watch, random) = (watch(8, steps: 1500, warmUp: 75), SplitMix64(seed: seed))
            for step in 1...1500 {
                let learned = min(1, Double(step) / 1500)
                let said = watch.note(
                    record(
                        step,
                        [
                            "itc": 2.08 - 0.15 * min(1, Double(step) / 50) - 0.8 * learned + 0.2 * noise(&random),
                            "itm": 0.62 - 0.2 * learned + 0.08 * noise(&random),
                            "itg": 5 + 5 * exp(-Double(step) / 100) + 0.5 * noise(&random),
                            "itm_accuracy": 0.69 + 0.2 * learned + 0.08 * noise(&random),
                        ]))
                #expect(said.isEmpty, "seed \(seed), step \(step)")
            }
        }
    }

    @Test("says that a dead state has ended, once, and no summary then; a resumed run does not say it again")
    func recovery() {
        var (watch, random) = (watch(64, steps: 1000), SplitMix64(seed: 3))
        var records = (1...500).map { deadStep($0, 64, &random) }
        records += (501...1000).map { step in
            record(
                step,
                [
                    "itc": 2 + 0.1 * noise(&random), "itm": 0.4 + 0.02 * noise(&random),
                    "itg": 2.5 + 0.1 * noise(&random), "itm_accuracy": 0.85,
                ])
        }
        let said = records.flatMap { watch.note($0) }
        #expect(said.count { $0.contains("has left chance") } == 2, "\(said)")
        #expect(watch.summary().isEmpty)
        var resumed = self.watch(64, steps: 1000)
        resumed.replay(Array(records[..<450]))
        #expect(records[450..<500].flatMap { resumed.note($0) }.isEmpty)
        #expect(resumed.isDead && !resumed.summary().isEmpty)
    }

    @Test("names a loss that is the same to four digits for a hundred steps")
    func constant() {
        var watch = LossWatch(.none, steps: 500, warmUpSteps: 0, startsFresh: false)
        var said: [String] = []
        for step in 1...150 { said += watch.note(record(step, ["itg": 10.3750 + (step % 2 == 0 ? 0.0004 : 0)])) }
        // The total is this term alone.
        #expect(said.count == 2 && said[0].hasPrefix("itg has been 10.37"))
        #expect(watch.summary().contains { $0.contains("at each of the last 150 steps") })
        said = watch.note(record(151, ["itg": 10.2]))
        #expect(said == ["itg changes again: 10.200", "loss changes again: 10.200"])
        #expect(watch.summary().isEmpty)
    }

    @Test("warns of the first losses of a fresh run that are not near chance, and of no other run's")
    func start() {
        let good = ["itc": 6.4, "itm": 0.83, "itg": 11.2]
        let bad = ["itc": 14.2, "itm": 0.02, "itg": Double.nan]
        var fresh = watch(1680, steps: 100)
        #expect(fresh.note(record(1, good)).isEmpty)
        fresh = watch(1680, steps: 100)
        let said = fresh.note(record(1, bad))
        #expect(said.count == 3)
        #expect(said[0].hasPrefix("itc begins at 14.200, a model that has learned nothing has 7.427"))
        #expect(fresh.note(record(2, bad)).isEmpty)
        var trained = watch(1680, steps: 100, fresh: false)
        #expect(trained.note(record(1, bad)).isEmpty)
        var resumed = watch(1680, steps: 100)
        #expect(resumed.note(record(51, bad)).isEmpty)
    }

    @Test("names what is learned by heart alone: held-out samples stay at chance")
    func heldOut() {
        var (watch, random) = (watch(64, steps: 1000, fresh: false), SplitMix64(seed: 4))
        var said: [String] = []
        for step in 1...1000 {
            var terms = [
                "itc": 1 + 0.1 * noise(&random), "itm": 0.2 + 0.02 * noise(&random), "itg": 2 + noise(&random),
                "itm_accuracy": 0.92,
            ]
            if step % 100 == 0 {
                let own = ["validation_itc": 4.5, "validation_itm": 0.9, "validation_itm_accuracy": 0.64]
                terms.merge(own) { $1 }
            }
            said += watch.note(record(step, terms))
        }
        #expect(said.count == 2, "\(said)")
        #expect(said.contains { $0.hasPrefix("validation_itc stays at 4.500 in 2 validations, chance is 4.159") })
        #expect(watch.isDead)
    }
}

@Suite("The check on one batch") struct OverfitCheckTests {
    private let expectations = LossExpectations.phaseOne(candidates: 8, vocabulary: 30_523)

    @Test("passes when every loss is near its floor, before the steps are over")
    func passed() {
        var check = OverfitCheck(expectations, steps: 200)
        var verdict: OverfitCheck.Verdict?
        var step = 0
        while verdict == nil {
            step += 1
            let left = exp(-Double(step) / 20)
            verdict = check.note(
                step: step,
                terms: ["itc": 0.467 + 1.6 * left, "itm": 0.69 * left, "itg": 1.36 + 9 * left, "itm_accuracy": 1])
        }
        #expect(verdict == .passed && step < 100)
        #expect(check.report.count == 4 && check.report.last == "check passed: one batch is learned by heart")
        #expect(check.report[0].hasPrefix("itc: 1.989 at first, "))
    }

    @Test("names the losses that do not come down, and what their values are known for")
    func failed() {
        var check = OverfitCheck(expectations, steps: 50)
        var verdict: OverfitCheck.Verdict?
        for step in 1...50 { verdict = check.note(step: step, terms: ["itc": 2.08, "itm": 0.6366, "itg": 1.5]) }
        #expect(verdict == .failed(["itc", "itm"]))
        #expect(
            check.report == [
                "itc: 2.080 at first, 2.080 after 50 steps, floor 0.4670: does not come down, it is at chance",
                "itg: 1.500 at first, 1.500 after 50 steps, floor 1.358: comes down",
                "itm: 0.6366 at first, 0.6366 after 50 steps, floor 0: does not come down, it knows only that one row "
                    + "in three matches",
                "check failed: itc and itm cannot learn even one batch by heart; check what enters these losses, or "
                    + "allow more steps or a higher rate",
            ])
        var odd = OverfitCheck(expectations, steps: 1)
        #expect(odd.note(step: 1, terms: ["itc": .nan, "itm": 0, "itg": 1.4]) == .failed(["itc", "itg", "itm"]))
    }
}
