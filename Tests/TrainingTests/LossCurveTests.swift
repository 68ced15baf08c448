import Foundation
import RandomNumbers
import TestSupport
import Testing

@testable import Training

@Suite("The curve of a run") struct LossCurveTests {
    private func records(_ count: Int) -> [RunRecord] {
        var random = SplitMix64(seed: 3)
        return (0..<count).map { number in
            let loss = 0.9 + 6 / (1 + Double(number) / 300) + Double.random(in: -0.4...0.4, using: &random)
            let rate = 1e-4 * min(1, Double(number) / 500) * (1 - Double(number) / Double(count))
            return RunRecord(
                step: number + 1, loss: loss, learningRate: rate, samplesPerSecond: 100, seconds: Double(number))
        }
    }

    /// A run of phase 1, held-out samples at every tenth step.
    private func phaseOne(_ count: Int) -> [RunRecord] {
        records(count).map { record in
            var record = record
            let losses = ["itc": record.loss, "itm": 0.6, "itg": 4, "itm_accuracy": 0.7, "gradient_norm": 2.5]
            record.terms = losses
            if record.step % 10 == 0 {
                for (name, value) in losses where name != "gradient_norm" {
                    record.terms["validation_" + name] = value + 0.1
                }
            }
            return record
        }
    }

    private func isNumbered(_ svg: String) -> Bool { !svg.contains("nan") && !svg.contains("inf") }

    @Test("is well-formed XML with titles and axes, and of bounded size whatever the number of steps")
    func picture() throws {
        for count in [0, 1, 2, 300, 9999, 100_000] {
            let svg = LossCurve(title: "stage 1 <a & b>", records(count)).svg()
            let parser = XMLReader(svg)
            #expect(parser.isWellFormed, "\(count) records")
            #expect(parser.texts.count { $0 == "stage 1 <a & b>" } == 2, "once to hear, once to see")
            #expect(isNumbered(svg) && svg.utf8.count < 100_000)
            guard count > 0 else { continue }
            for text in ["step", "Loss", "Learning rate", "Samples a second"] { #expect(parser.texts.contains(text)) }
            let drawn = parser.paths.filter { $0.style == "smooth loss" && $0.isClipped }
            #expect(drawn.count == 1 && drawn[0].points <= 240)
            if count > 9000 { #expect(drawn[0].points > 120) }
            #expect(parser.paths.contains { $0.style == "band loss" && $0.isClipped } == (count > 240))
        }
    }

    @Test("has a chart for each loss with chance and floor, and one for the accuracy of matching beside its chance")
    func terms() throws {
        let expectations = LossExpectations.phaseOne(candidates: 1024, vocabulary: 30_523)
        let svg = LossCurve(title: "t", phaseOne(400), expectations: expectations).svg()
        let parser = XMLReader(svg)
        #expect(parser.isWellFormed && isNumbered(svg))
        for text in ["ITC", "ITM", "ITG", "ITM accuracy, %", "Gradient norm", "held-out samples", "chance 6.931"] {
            #expect(parser.texts.contains(text), "\(text)")
        }
        #expect(["floor 1.017", "by the ratio alone 0.6365", "chance 66.7 %"].allSatisfy(svg.contains))
        #expect(parser.paths.count { $0.style == "valid" && $0.isClipped } == 4)
        // ln 30,523 is far above a curve that stays at 4: it would press the curve flat.
        #expect(!parser.texts.contains("chance 10.33"))
        #expect(!LossCurve(title: "t", phaseOne(400)).svg().contains("floor"))
    }

    @Test("shows phase 2's held-out loss with the right image, with another's and with none in one chart")
    func imageUse() {
        var some = records(300)
        for place in stride(from: 9, to: 300, by: 10) {
            let terms = ["right_image": 0.4, "other_image": 0.7, "no_image": 0.6]
            for (name, value) in terms { some[place].terms["validation_" + name] = value }
        }
        let svg = LossCurve(title: "t", some).svg()
        let parser = XMLReader(svg)
        #expect(parser.isWellFormed && parser.texts.contains("Use of the image"))
        #expect(svg.contains("the right image 0.4<"))
        #expect([" · another's 0.7", " · none 0.6"].allSatisfy(parser.texts.contains))
        for style in ["smooth valid", "other", "none"] {
            let points = parser.paths.filter { $0.style == style && $0.isClipped }.map(\.points)
            #expect(points == [30], "\(style)")
        }
        #expect(!LossCurve(title: "t", records(300)).svg().contains("Use of the image"))
    }

    @Test("passes over losses that are no number, and keeps a first peak from pressing the rest flat")
    func oddLosses() {
        var some = records(1000)
        some[3].loss = .infinity
        some[9].loss = .nan
        some[0].loss = 1e6
        let svg = LossCurve(title: "t", some).svg()
        let parser = XMLReader(svg)
        #expect(parser.isWellFormed && isNumbered(svg))
        #expect(parser.texts.contains("2") && !parser.texts.contains("1M"))
    }

    @Test("is drawn in bins of equally many steps with their mean and range")
    func bins() {
        let made = CurveBins((1...1000).map { (step: $0, value: Double($0 % 10)) }, limit: 100)
        #expect(made.isSummary && made.bins.count == 100)
        #expect(made.bins.allSatisfy { $0.mean == 4.5 && $0.range == 0...9 && $0.smooth == 4.5 })
        #expect(made.bins[0].step == 5.5 && made.bins[99].step == 995.5)
        let few = CurveBins([(3, 1), (9, .nan), (12, 2)], limit: 100)
        #expect(few.bins.map(\.step) == [3, 12] && few.bins.map(\.mean) == [1, 2] && !few.isSummary)
        #expect(CurveBins([(1, .nan)], limit: 10).bins.isEmpty)
    }

    @Test("is smoothed to the mean of what is constant, follows what changes, and keeps its first value")
    func smoothing() {
        #expect(CurveBins.smoothed([3, 3, 3]) == [3, 3, 3])
        let smooth = CurveBins.smoothed(Array(repeating: 5, count: 100) + Array(repeating: 1, count: 100))
        #expect(smooth[80] == 5 && smooth[199] == 1)
        #expect(smooth[98] > 3 && smooth[98] < 5 && smooth[102] > 1 && smooth[102] < 3)
        #expect(CurveBins.smoothed((0..<200).map { 100 - Double($0) })[0] == 100)
    }

    @Test("has round numbers at its axes", arguments: [(0.0, 10.0, 5), (0.31, 0.97, 6), (1, 123_456, 8), (0, 1e-4, 4)])
    func ticks(_ low: Double, _ high: Double, _ count: Int) {
        let ticks = ChartAxis([low, high], from: 0, to: 1).ticks(about: count)
        #expect((3...(2 * count)).contains(ticks.count))
        #expect(ticks.allSatisfy { (low...(high * 1.0001)).contains($0) })
        #expect(ticks.allSatisfy { ChartText.label($0).count <= 5 })
    }

    @Test("writes numbers short")
    func labels() {
        let values = [0, 1, 0.25, 12000, 1_500_000, 1e-4, 2.5e-5, -3, 0.001, 9999]
        #expect(
            values.map(ChartText.label) == ["0", "1", "0.25", "12k", "1.5M", "1e-4", "2.5e-5", "-3", "0.001", "9999"])
        #expect([1.25, 0, -0.5, 99.96].map(ChartText.coordinate) == ["1.3", "0", "-0.5", "100"])
        #expect(
            [0.69314, 7.42655, 18.4523, 0, 1234.6].map(ChartText.value) == ["0.6931", "7.427", "18.45", "0", "1234.6"])
    }

    @Test("is drawn from a log file into a file")
    func files() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try RunLog(path: folder + "/log.jsonl", after: 0)
        for record in records(20) { try log.append(record) }
        try LossCurve.write(log: log.path, title: "t", to: folder + "/loss.svg")
        #expect(try String(contentsOfFile: folder + "/loss.svg", encoding: .utf8).hasSuffix("</svg>\n"))
        #expect(throws: TrainingError.self) {
            try LossCurve.write(log: folder + "/none", title: "t", to: folder + "/other.svg")
        }
    }
}

@Suite("What a loss should be") struct LossBoundsTests {
    @Test("before anything is learned is the logarithm of the classes; smoothed targets have a floor")
    func bounds() {
        // Li et al.'s batch, smaller ones, and BERT's vocabulary with one more word.
        let known = [
            (8, 2.079, 0.467), (64, 4.159, 0.729), (256, 5.545, 0.876), (1024, 6.931, 1.017), (1680, 7.427, 1.067),
            (30_523, 10.326, 1.358),
        ]
        for (classes, chance, floor) in known {
            let bounds = LossBounds.classification(of: classes, smoothing: 0.1)
            #expect(abs(bounds.chance - chance) < 5e-4 && abs(bounds.floor - floor) < 5e-4)
            #expect(bounds.remainder(at: bounds.chance) == 1 && bounds.remainder(at: bounds.floor) == 0)
        }
        #expect(LossBounds.classification(of: 2) == LossBounds(chance: log(2), floor: 0))
        #expect(abs(LossExpectations.matchingByRatio - 0.6365) < 5e-5)
    }

    @Test("is said in a line for each")
    func lines() {
        let lines = LossExpectations.phaseOne(candidates: 1680, vocabulary: 30_523).lines
        #expect(
            lines == [
                "itc 7.427 before anything is learned (ln of 1680 candidates), at least 1.067",
                "itm 0.6931 before anything is learned (ln 2; 0.6365 by the ratio alone), at least 0",
                "itg 10.326 before anything is learned (ln of 30523 words), at least 1.358",
            ])
        #expect(LossExpectations.none.lines.isEmpty)
    }
}
