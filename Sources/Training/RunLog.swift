import Files
import Foundation
import Locks
import Shards

/// What is written of one optimizer update.
package struct RunRecord: Sendable, Equatable, Decodable {
    /// The number of the update, from 1.
    package var step: Int
    package var loss: Double
    package var learningRate: Double
    package var samplesPerSecond: Double
    /// Since the run began, the time before interruptions included.
    package var seconds: Double
    /// What is logged beside these, by name: the terms of the loss where there are several, and other figures.
    package var terms: [String: Double]

    package init(
        step: Int, loss: Double, learningRate: Double, samplesPerSecond: Double, seconds: Double,
        terms: [String: Double] = [:]
    ) {
        self.step = step
        self.loss = loss
        self.learningRate = learningRate
        self.samplesPerSecond = samplesPerSecond
        self.seconds = seconds
        self.terms = terms
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        // A loss that is not a number is null: JSON has no NaN.
        func number(_ name: String) throws -> Double {
            try values.decode(Double?.self, forKey: Key(stringValue: name)) ?? .nan
        }
        step = try values.decode(Int.self, forKey: Key(stringValue: "step"))
        loss = try number("loss")
        learningRate = try number("learning_rate")
        samplesPerSecond = try number("samples_per_second")
        seconds = try number("seconds")
        let own: Set = ["step", "loss", "learning_rate", "samples_per_second", "seconds"]
        terms = [:]
        for key in values.allKeys where !own.contains(key.stringValue) {
            terms[key.stringValue] = try number(key.stringValue)
        }
    }

    /// The record as a line of JSON, without a line end.
    var line: String {
        var line = "{\"step\":\(step),\"loss\":\(Self.number(loss))"
        line += terms.sorted { $0.key < $1.key }.map { ",\"\($0)\":\(Self.number($1))" }.joined()
        line += ",\"learning_rate\":\(Self.number(learningRate))"
        line += ",\"samples_per_second\":\(Self.number((samplesPerSecond * 1000).rounded() / 1000))"
        return line + ",\"seconds\":\(Self.number((seconds * 1000).rounded() / 1000))}"
    }

    private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }
}

/// The log of a training run, `log.jsonl`: one line for each update, on disk when `append` returns.
package final class RunLog: Sendable {
    package let path: String
    private let file: FileHandle
    /// The last line, and where it begins.
    private let end: Locked<(last: RunRecord?, start: UInt64)>

    /// Opens the log at `path` behind `completedSteps`, the updates that the checkpoint holds; makes it where there is none.
    ///
    /// Lines of later updates, which are going to be made again, and a last line that was cut off are taken away in one
    /// step: the file is the old or the new one, whatever happens.
    package init(path: String, after completedSteps: Int) throws(TrainingError) {
        self.path = path
        let kept =
            FileManager.default.fileExists(atPath: path)
            ? try Self.lines(path).filter { $0.record.step <= completedSteps } : []
        try replace(path, with: kept.map { $0.line + "\n" }.joined())
        do {
            file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            let length = try file.seekToEnd()
            end = Locked((kept.last?.record, length - UInt64(kept.last.map { $0.line.utf8.count + 1 } ?? 0)))
        } catch {
            throw TrainingError(.log, path, "open: \(error.localizedDescription)")
        }
    }

    /// The last record; nil of an empty log.
    package var last: RunRecord? { end.withLock { $0.last } }

    /// Adds a line.
    package func append(_ record: RunRecord) throws(TrainingError) {
        do {
            let start = try file.offset()
            try file.write(contentsOf: Data((record.line + "\n").utf8))
            end.withLock { $0 = (record, start) }
        } catch {
            throw TrainingError(.log, path, "write: \(error.localizedDescription)")
        }
    }

    /// Adds `terms` to the last line, and gives its record; nil of an empty log.
    package func amend(_ terms: [String: Double]) throws(TrainingError) -> RunRecord? {
        let (last, start) = end.withLock { $0 }
        guard var record = last else { return nil }
        record.terms.merge(terms) { _, new in new }
        do {
            // Written over the old line, which is shorter, the new one leaves no moment without either.
            try file.seek(toOffset: start)
        } catch {
            throw TrainingError(.log, path, "write: \(error.localizedDescription)")
        }
        try append(record)
        return record
    }

    /// Makes what was added survive a power cut.
    package func synchronize() throws(TrainingError) {
        do {
            try file.synchronize()
        } catch {
            throw TrainingError(.log, path, "synchronize: \(error.localizedDescription)")
        }
    }

    /// The records of the log at `path`, in order; a last line that was cut off is not there.
    package static func read(_ path: String) throws(TrainingError) -> [RunRecord] { try lines(path).map(\.record) }

    private static func lines(_ path: String) throws(TrainingError) -> [(line: String, record: RunRecord)] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TrainingError(.log, path, "no such file, or permission denied")
        }
        // What follows the last line end is empty, or a line that was cut off.
        let whole = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        var lines: [(line: String, record: RunRecord)] = []
        for (number, line) in whole.enumerated() {
            do {
                let record = try JSONDecoder().decode(RunRecord.self, from: line)
                lines.append((String(decoding: line, as: UTF8.self), record))
            } catch {
                throw TrainingError(.log, path, "line \(number + 1) is not a record of an update")
            }
        }
        return lines
    }
}

/// Makes `text` the content of the file at `path`: a reader sees the old content or the new one, whole.
func replace(_ path: String, with text: String) throws(TrainingError) {
    do {
        try writeFile(text.utf8, to: path)
    } catch {
        throw TrainingError(.log, error.path, "\(error.step.rawValue): \(error.reason)")
    }
}
