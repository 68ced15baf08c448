import ArgumentParser
import Commands
import Foundation
import Layers
import Tensors

/// Measures memory and time of loading a large checkpoint; `scripts/bench load` runs it beside PyTorch.
struct LoadBenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-load", abstract: "Measure the memory of loading a checkpoint.", shouldDisplay: false)

    @Option(help: ArgumentHelp("The folder or file of the checkpoint.", valueName: "path")) var checkpoint: String
    @Option(help: "Write some weights of so many gigabytes first, bfloat16, where there are none.") var write: Double?
    @Option(help: "Gigabytes of a shard that is written.") var shard = 1.0
    @Flag(help: "Convert to float32; otherwise weights stay as they are stored.") var float32 = false
    @OptionGroup var logs: LogOptions

    private struct Output: Encodable {
        let tensors: Int
        let files: Int
        /// Bytes of all tensors as they are stored, and of the copies that are kept.
        let stored: Int
        let copied: Int
        let seconds: Double
        /// The most memory that was the process's own, and the most that showed pages of files, each over that before.
        let peakOwn: Int
        let peakFiles: Int
    }

    func run() async throws {
        if let write { try writeRandom(gigabytes: write) }
        let before = Memory()
        var (peakOwn, peakFiles) = (0, 0)
        let clock = ContinuousClock()
        let start = clock.now
        let stored = try Checkpoint(directory: checkpoint)
        let weights = float32 ? Weights(stored, DType.float32, on: .cpu) : Weights(asStored: stored, on: .cpu)
        var (kept, byteCount, copied): ([Tensor], Int, Int) = ([], 0, 0)
        for name in stored.names {
            let shape = stored.shape(of: name) ?? []
            // Every element is looked at: each must be finite.
            let tensor = try weights.tensor(name, shape)
            let type = try stored.tensor(name).dtype
            byteCount += tensor.count * type.byteCount
            if tensor.dtype != type { copied += tensor.count * tensor.dtype.byteCount }
            kept.append(tensor)
            let now = Memory()
            peakOwn = max(peakOwn, now.own - before.own)
            peakFiles = max(peakFiles, now.files - before.files)
        }
        try printResult(
            jsonLine(
                Output(
                    tensors: kept.count, files: stored.files.count, stored: byteCount, copied: copied,
                    seconds: (clock.now - start) / .seconds(1), peakOwn: peakOwn, peakFiles: peakFiles)))
    }

    /// Writes layers of the shape of a language model's, of some numbers.
    private func writeRandom(gigabytes: Double) throws {
        guard !FileManager.default.fileExists(atPath: checkpoint) else { return }
        try FileManager.default.createDirectory(atPath: checkpoint, withIntermediateDirectories: true)
        let shape = [10_240, 2560]
        let count = max(1, Int(gigabytes * 1e9 / Double(2 * shape[0] * shape[1])))
        let tensors = (0..<count).map { number in
            PendingTensor(name: "layers.\(number).weight", dtype: .bfloat16, shape: shape) {
                let row = (0..<shape[1]).map { Float((31 * number + 7 * $0) % 1000) / 1000 }
                return try Tensor(row, shape: [1, shape[1]]).expanded(shape).to(.bfloat16).bytes()
            }
        }
        try writeWeights(tensors, to: checkpoint, shardByteCount: Int(shard * 1e9))
    }

    /// What the process has in memory now, in bytes.
    private struct Memory {
        let own: Int
        let files: Int

        init() {
            // Nothing to be measured where the kernel does not say it.
            let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            func kilobytes(_ key: String) -> Int {
                let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
                return line.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
            }
            (own, files) = (1024 * kilobytes("RssAnon"), 1024 * kilobytes("RssFile"))
        }
    }
}
