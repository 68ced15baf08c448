import Foundation
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
