import Files
import Foundation

/// The folder of a training run: its checkpoints, its log, its loss curve and at last the model.
///
///     OUT/checkpoints/step-00001000/   model.safetensors, optimizer.safetensors, state.json; the newest two
///     OUT/log.jsonl  OUT/loss.svg
///     OUT/config.json  OUT/model.safetensors  and the tokenizer's files
///
/// A checkpoint appears under its name when it is whole and on disk.
package struct RunFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package var log: String { path + "/log.jsonl" }
    package var curve: String { path + "/loss.svg" }
    /// The finished model's weights.
    package static let modelFile = "model.safetensors"
    package var model: String { path + "/" + Self.modelFile }

    /// Lets `trainer` go on from the checkpoint of the most steps, where there is one.
    ///
    /// - Throws: `other_options` where the run in this folder would have become another model, `other_version` where
    ///   another version of the program began it, `checkpoint` where it is damaged.
    package func resume(_ trainer: Trainer) async throws {
        guard let name = names().last else { return }
        let checkpoint = path + "/checkpoints/" + name
        let saved = try RunState(file: checkpoint + "/state.json")
        let differences = try await trainer.state.differences(from: saved)
        guard differences.isEmpty else {
            let advice = "resume with the same options, or name another output"
            throw TrainingError(.otherOptions, path, "\(advice): \(differences.joined(separator: "; "))")
        }
        try await trainer.read(from: checkpoint, saved)
    }

    /// Writes the checkpoint of `trainer`, and deletes all but the newest two.
    package func save(_ trainer: Trainer) async throws {
        let state = await trainer.state
        let digits = String(state.step)
        let final = path + "/checkpoints/step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
        let partial = final + ".partial"
        let files = FileManager.default
        try? files.removeItem(atPath: partial)  // what a run that was killed left, where it left something
        try files.createDirectory(atPath: partial, withIntermediateDirectories: true)
        try await trainer.write(to: partial)
        try writeFile(state.json(), to: partial + "/state.json")
        try? files.removeItem(atPath: final)  // the same step again, after a damaged checkpoint behind it was deleted
        try publishFile(partial, as: final)
        for name in names().dropLast(2) { try files.removeItem(atPath: path + "/checkpoints/" + name) }
    }

    /// The names of whole checkpoints, fewest steps first.
    private func names() -> [String] {
        // No folder of checkpoints holds none.
        let found = (try? FileManager.default.contentsOfDirectory(atPath: path + "/checkpoints")) ?? []
        return found.filter { $0.hasPrefix("step-") && !$0.hasSuffix(".partial") }.sorted()
    }
}
