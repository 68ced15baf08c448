import Files
import Foundation

/// The folder of a training run: its checkpoints, its log, its loss curve and at last the model.
///
///     OUT/checkpoints/step-00001000/   model.safetensors, optimizer.safetensors, state.json
///     OUT/checkpoints/best             a link to the one with the lowest validation loss
///     OUT/log.jsonl  OUT/loss.svg
///     OUT/config.json  OUT/model.safetensors  and the tokenizer's files
///     OUT/best/                        the same of the best step, where it is not the last
///
/// A checkpoint appears under its name when it is whole and on disk.
package struct RunFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package var log: String { path + "/log.jsonl" }
    package var curve: String { path + "/loss.svg" }
    package var bestModel: String { path + "/best" }
    /// The finished model's weights.
    package static let modelFile = "model.safetensors"
    package var model: String { path + "/" + Self.modelFile }

    /// Lets `trainer` go on from the checkpoint of the most steps, where there is one.
    ///
    /// - Throws: `other_options` where the run in this folder would have become another model, `other_version` where
    ///   another version of the program began it, `checkpoint` where it is damaged.
    package func resume(_ trainer: Trainer) async throws {
        guard let name = names().last else { return }
        let checkpoint = checkpoints + "/" + name
        let saved = try RunState(file: checkpoint + "/state.json")
        let differences = try await trainer.state.differences(from: saved)
        guard differences.isEmpty else {
            let advice = "resume with the same options, or name another output"
            throw TrainingError(.otherOptions, path, "\(advice): \(differences.joined(separator: "; "))")
        }
        try await trainer.read(from: checkpoint, saved)
    }

    /// Writes the checkpoint of `trainer`, and deletes those that `rule` does not keep; `isBest` names this one the best.
    package func save(
        _ trainer: Trainer, _ rule: CheckpointRule = CheckpointRule(), isBest: Bool = false
    ) async throws {
        let state = await trainer.state
        let name = Self.name(of: state.step)
        let final = checkpoints + "/" + name
        let partial = final + ".partial"
        let files = FileManager.default
        try? files.removeItem(atPath: partial)  // what a run that was killed left, where it left something
        try files.createDirectory(atPath: partial, withIntermediateDirectories: true)
        try await trainer.write(to: partial)
        try writeFile(state.json(), to: partial + "/state.json")
        try? files.removeItem(atPath: final)  // the same step again, after a damaged checkpoint behind it was deleted
        try publishFile(partial, as: final)
        if isBest { try nameBest(name) }
        let best = best.map { URL(fileURLWithPath: $0).lastPathComponent }
        let kept = Set(names().filter { $0 == best || rule.keepsForever($0) } + names().suffix(rule.newest))
        for name in names() where !kept.contains(name) { try files.removeItem(atPath: checkpoints + "/" + name) }
    }

    /// The checkpoint of the step with the lowest validation loss; nil where there is none.
    package var best: String? {
        guard let name = try? FileManager.default.destinationOfSymbolicLink(atPath: bestLink) else { return nil }
        let path = checkpoints + "/" + name
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    private var checkpoints: String { path + "/checkpoints" }
    private var bestLink: String { checkpoints + "/best" }

    private func nameBest(_ name: String) throws {
        let partial = bestLink + ".partial"
        let files = FileManager.default
        try? files.removeItem(atPath: partial)
        try files.createSymbolicLink(atPath: partial, withDestinationPath: name)
        try publishFile(partial, as: bestLink)
    }

    private static func name(of step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// The names of whole checkpoints, fewest steps first.
    private func names() -> [String] {
        // No folder of checkpoints holds none.
        let found = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? []
        return found.filter { $0.hasPrefix("step-") && !$0.hasSuffix(".partial") }.sorted()
    }
}

/// Which checkpoints of a run are kept: the newest few, the best, and some for good.
package struct CheckpointRule: Sendable, Equatable {
    /// How many of the newest.
    package let newest: Int
    /// Those whose step is a multiple of this, for good; nil for none.
    package let every: Int?

    package init(newest: Int = 2, every: Int? = nil) {
        precondition(newest > 0 && every ?? 1 > 0, "the newest is kept")
        (self.newest, self.every) = (newest, every)
    }

    fileprivate func keepsForever(_ name: String) -> Bool {
        guard let every, let step = Int(name.dropFirst("step-".count)) else { return false }
        return step % every == 0
    }
}
