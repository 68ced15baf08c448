import Foundation
import RandomNumbers
import TestSupport
import Testing

@testable import Training

@Suite("The log of a run") struct RunLogTests {
    private let folder: String
    private var path: String { folder + "/log.jsonl" }

    init() throws { folder = try Project.temporaryFolder("log") }

    private func record(_ step: Int) -> RunRecord {
        RunRecord(
            step: step, loss: 4 / Double(step), learningRate: 1e-4, samplesPerSecond: 12.3456, seconds: Double(step))
    }

    private func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test("has a line of JSON for each update, with a fixed order of keys")
    func lines() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try RunLog(path: path, after: 0)
        try log.append(record(1))
        var second = record(2)
        second.loss = .nan
        second.terms = ["itm": 0.5, "itc": 1]
        try log.append(second)
        #expect(
            try text() == """
                {"step":1,"loss":4.0,"learning_rate":0.0001,"samples_per_second":12.346,"seconds":1.0}
                {"step":2,"loss":null,"itc":1.0,"itm":0.5,"learning_rate":0.0001,"samples_per_second":12.346,\
                "seconds":2.0}

                """)
        let read = try RunLog.read(path)
        #expect(read.map(\.step) == [1, 2])
        #expect(read[0].loss == 4 && read[1].loss.isNaN)
        #expect(read[1].terms == second.terms)
    }

    @Test("goes on behind a checkpoint: later lines and a torn last one are gone, the others untouched")
    func resumption() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try RunLog(path: path, after: 0)
        for step in 1...5 { try log.append(record(step)) }
        let whole = try text()
        let lines = whole.split(separator: "\n").map { $0 + "\n" }
        try (whole + "{\"step\":6,\"lo").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try RunLog.read(path).map(\.step) == Array(1...5))

        let resumed = try RunLog(path: path, after: 3)
        #expect(try text() == lines[..<3].joined())
        try resumed.append(record(4))
        #expect(try text() == lines[..<4].joined())
        _ = try RunLog(path: path, after: 0)
        #expect(try text().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["log.jsonl"])
    }

    @Test("is not written over where it is something else")
    func otherFile() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let good = record(1).line
        try "\(good)\nsomething else\n\(good)\n".write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: TrainingError.self) { try RunLog(path: path, after: 9) }
        #expect(error?.description == "\(path): log: line 2 is not a record of an update")
        #expect(try text().contains("something else"))
    }
}

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

    @Test("is well-formed XML with title, axes and three lines, of at most 2000 points each")
    func picture() throws {
        for count in [0, 1, 2, 300, 9999] {
            let svg = LossCurve(title: "stage 1 <a & b>", records(count)).svg()
            let parser = XMLReader(svg)
            #expect(parser.isWellFormed, "\(count) records")
            #expect(parser.texts.count { $0 == "stage 1 <a & b>" } == 2, "once to hear, once to see")
            for text in ["step", "loss", "learning rate"] { #expect(parser.texts.contains(text)) }
            for line in ["raw", "smooth", "rate"] {
                let drawn = parser.paths.filter { $0.style == line && $0.isClipped }
                #expect(drawn.count == (count == 0 ? 0 : 1))
                #expect(drawn.allSatisfy { $0.points <= 2000 })
                if count == 9999 { #expect(drawn[0].points > 1000) }
            }
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }
    }

    @Test("passes over losses that are no number, and keeps a first peak from pressing the rest flat")
    func oddLosses() {
        var some = records(1000)
        some[3].loss = .infinity
        some[9].loss = .nan
        some[0].loss = 1e6
        let parser = XMLReader(LossCurve(title: "t", some).svg())
        #expect(parser.isWellFormed)
        #expect(parser.texts.contains("2") && !parser.texts.contains("1M"))
    }

    @Test("is smoothed to the mean of what is constant, and follows what changes")
    func smoothing() {
        #expect(LossCurve.smoothed([3, 3, 3]) == [3, 3, 3])
        let smooth = LossCurve.smoothed(Array(repeating: 5, count: 500) + Array(repeating: 1, count: 500))
        #expect(smooth[480] == 5 && smooth[999] == 1)
        #expect(smooth[495] > 3 && smooth[495] < 5 && smooth[505] > 1 && smooth[505] < 3)
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
