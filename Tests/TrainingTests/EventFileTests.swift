import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("TensorBoard's event files") struct EventFileTests {
    private let folder: String

    init() throws { folder = try Project.temporaryFolder("events") }

    /// What TensorBoard's own reader makes of a folder's files, as JSON; it hands on simple values as tensors.
    private static let reader = """
        import json, sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        read = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0}).Reload()
        series = {tag: [[e.step, e.value] for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
        for tag in read.Tags()["tensors"]:
            series[tag] = [[e.step, e.tensor_proto.float_val[0]] for e in read.Tensors(tag)]
        print(json.dumps(series))
        """

    private func record(_ step: Int, _ loss: Double) -> RunRecord {
        RunRecord(
            step: step, loss: loss, learningRate: 1e-4, samplesPerSecond: 36, seconds: 1,
            terms: ["itc": loss / 2, "validation_itc": loss / 4])
    }

    /// The scalars of the folder's files as TensorBoard reads them: steps and values by tag.
    private func readByTensorBoard() throws -> [String: [[Double]]] {
        let found = try Program.run(Project.python, ["-c", "import tensorboard"])
        guard found.status == 0 else {
            try Test.cancel("TensorBoard is not in .deps/python: scripts/setup --tests installs it")
        }
        let printed = try Python.run(Self.reader, [folder])
        return try JSONDecoder().decode([String: [[Double]]].self, from: Data(printed.utf8))
    }

    private func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    @Test("are read by TensorBoard: every figure of the log, held-out samples beside the training's")
    func figures() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try EventFile(folder: folder, after: 0)
        for step in 1...300 { try file.append(record(step, 8 / Double(step))) }
        try file.append(record(301, 0.5))
        try file.synchronize()
        let read = try readByTensorBoard()
        #expect(
            read.keys.sorted() == [
                "train/itc", "train/learning_rate", "train/loss", "train/samples_per_second", "validation/itc",
            ])
        let loss = try #require(read["train/loss"])
        #expect(loss.map { Int($0[0]) } == Array(1...301))
        #expect(loss.dropLast().allSatisfy { abs($0[1] - 8 / $0[0]) < 1e-6 * $0[1] })
        #expect(loss.last?[1] == 0.5)
        #expect(read["train/itc"]?[1] == [2, 2] && read["validation/itc"]?[1] == [2, 1])
    }

    @Test("of a run that is resumed have each step once, as it was taken last, in a file of their own")
    func resumption() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The clock stands still, and then goes back.
        let first = try EventFile(folder: folder, after: 0) { 1_800_000_000 }
        for step in 1...7 { try first.append(record(step, 1)) }
        let second = try EventFile(folder: folder, after: 4) { 1_800_000_000 }
        for step in 5...6 { try second.append(record(step, 2)) }
        let third = try EventFile(folder: folder, after: 5) { 1_700_000_000 }
        for step in 6...8 { try third.append(record(step, 3)) }
        #expect(try files().map { $0.split(separator: ".")[3] } == ["1800000000", "1800000001", "1800000002"])
        let loss = try #require(readByTensorBoard()["train/loss"])
        #expect(loss.map { $0[0] } == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(loss.map { $0[1] } == [1, 1, 1, 1, 2, 3, 3, 3])
    }

    @Test("are read up to a last record that was cut off, and behind it from the next file")
    func tornRecord() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try EventFile(folder: folder, after: 0)
        for step in 1...3 { try first.append(record(step, 1)) }
        let whole = try Data(contentsOf: URL(fileURLWithPath: first.path))
        try whole.dropLast(9).write(to: URL(fileURLWithPath: first.path))
        #expect(try readByTensorBoard()["train/loss"]?.map { $0[0] } == [1, 2])
        let second = try EventFile(folder: folder, after: 2)
        try second.append(record(3, 2))
        #expect(try readByTensorBoard()["train/loss"]?.map { $0[1] } == [1, 1, 2])
    }

    @Test("have the bytes that TensorFlow's writer makes")
    func bytes() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try EventFile(folder: folder, after: 0) { 1 }
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file.path)))
        // The length and its checksum are those of every TensorBoard file's first record but for the step's two bytes.
        #expect(bytes.prefix(8) == [26, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes.count == 8 + 4 + 26 + 4)
        #expect(String(decoding: bytes[25..<38], as: UTF8.self) == "brain.Event:2")
    }

    @Test("that cannot be written end with an error that names the folder")
    func refusal() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
        let error = #expect(throws: TrainingError.self) { try EventFile(folder: folder + "/file", after: 0) }
        #expect(error?.code == .log && error?.path == folder + "/file")
    }
}
