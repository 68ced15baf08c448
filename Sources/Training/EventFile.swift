import Digests
import Files
import Foundation

/// The figures of a run as TensorBoard reads them: a file `events.out.tfevents.*` in the run's folder.
///
/// Every figure of the log is a scalar, `train/` or `validation/` and its name in the log. A run that is resumed
/// begins a new file, whose first event makes TensorBoard forget the steps that are taken again.
package final class EventFile: Sendable {
    package let path: String
    private let file: FileHandle
    private let clock: @Sendable () -> Double

    /// Begins a file in `folder` for the steps behind `completedSteps`.
    ///
    /// TensorBoard reads the files of a folder in the order of their names: the new one's comes last, whatever
    /// `clock`, the seconds since 1970, says.
    package init(
        folder: String, after completedSteps: Int,
        clock: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) throws(TrainingError) {
        self.clock = clock
        let files = FileManager.default
        do {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let earlier = try files.contentsOfDirectory(atPath: folder).compactMap(Self.second)
            let second = max(Int(clock()), (earlier.max() ?? 0) + 1)
            path = folder + "/" + Self.prefix + String(format: "%010d", second) + ".blip2"
            let now = clock()
            var start = Self.record(Event(time: now, step: completedSteps + 1).version("brain.Event:2"))
            if completedSteps > 0 || !earlier.isEmpty {
                start += Self.record(Event(time: now, step: completedSteps + 1).sessionStart())
            }
            try writeFile(start, to: path)
            file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.seekToEnd()
        } catch let error as FileError {
            throw TrainingError(.log, error.path, "\(error.step.rawValue): \(error.reason)")
        } catch {
            throw TrainingError(.log, folder, "events: \(error.localizedDescription)")
        }
    }

    private static let prefix = "events.out.tfevents."

    /// The second in the name of an event file.
    private static func second(_ name: String) -> Int? {
        name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count).prefix { $0 != "." }) : nil
    }

    /// Adds the figures of a step.
    package func append(_ record: RunRecord) throws(TrainingError) {
        let own = [
            "loss": record.loss, "learning_rate": record.learningRate, "samples_per_second": record.samplesPerSecond,
        ]
        let figures = own.merging(record.terms) { own, _ in own }.sorted { $0.key < $1.key }
        let scalars = figures.map { name, value in
            let isHeldOut = name.hasPrefix(CurveCharts.heldOut)
            return (isHeldOut ? "validation/" + name.dropFirst(CurveCharts.heldOut.count) : "train/" + name, value)
        }
        do {
            // In one call: what a power cut leaves of it is a last record that is cut off, which TensorBoard passes
            // over.
            try file.write(contentsOf: Data(Self.record(Event(time: clock(), step: record.step).scalars(scalars))))
        } catch {
            throw TrainingError(.log, path, "write: \(error.localizedDescription)")
        }
    }

    /// Makes what was added survive a power cut.
    package func synchronize() throws(TrainingError) {
        do {
            try file.synchronize()
        } catch {
            throw TrainingError(.log, path, "synchronize: \(error.localizedDescription)")
        }
    }

    /// An event in TensorFlow's frame for records: its length, the checksum of that, the event, its checksum.
    private static func record(_ event: Event) -> [UInt8] {
        let length = littleEndian(UInt64(event.bytes.count))
        return length + littleEndian(maskedChecksum(length)) + event.bytes + littleEndian(maskedChecksum(event.bytes))
    }
}

/// An event of TensorBoard's, as protocol buffers write it.
///
/// Source: tensorboard `compat/proto/event.proto`, `summary.proto`.
private struct Event {
    private(set) var bytes: [UInt8] = []

    /// An event of the step `step`, at `time` in seconds since 1970.
    init(time: Double, step: Int) {
        bytes = [1 << 3 | 1] + littleEndian(time.bitPattern)  // 1: wall_time
        bytes += [2 << 3 | 0] + variable(UInt64(max(0, step)))  // 2: step
    }

    /// The event that begins a file of this version.
    func version(_ text: String) -> Event { adding(3, Array(text.utf8)) }  // 3: file_version

    /// The event that makes a reader forget what it read of this step and later ones.
    func sessionStart() -> Event { adding(7, [1 << 3 | 0, 1]) }  // 7: session_log, in it 1: status, START

    /// The event with these scalars, by their tags.
    func scalars(_ scalars: [(tag: String, value: Double)]) -> Event {
        let values = scalars.flatMap { tag, value in
            let name = Array(tag.utf8)
            let inner =
                [1 << 3 | 2] + variable(UInt64(name.count)) + name  // 1: tag
                + [2 << 3 | 5] + littleEndian(Float(value).bitPattern)  // 2: simple_value
            return [1 << 3 | 2] + variable(UInt64(inner.count)) + inner  // 1: value
        }
        return adding(5, values)  // 5: summary
    }

    private func adding(_ field: UInt8, _ content: [UInt8]) -> Event {
        var event = self
        event.bytes += [field << 3 | 2] + variable(UInt64(content.count)) + content
        return event
    }
}

/// A whole number in protocol buffers' form: seven bits a byte, the least first.
private func variable(_ value: UInt64) -> [UInt8] {
    var (bytes, rest): ([UInt8], UInt64) = ([], value)
    while rest >= 0x80 {
        bytes.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return bytes + [UInt8(rest)]
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// CRC-32C, turned and moved, so that a checksum of checksums is not taken for one.
///
/// Source: TensorFlow `core/lib/hash/crc32c.h`, `Mask`.
private func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = Checksum()
    checksum.update(bytes)
    return (checksum.value >> 15 | checksum.value << 17) &+ 0xa282_ead8
}
