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
    package var model: String { path + "/model.safetensors" }

    private struct State: Codable {
        let step: Int
        let options: TrainingOptions
    }

    /// A checkpoint that training can go on from.
    package struct Saved: Sendable {
        package let step: Int
        package let path: String
        package let options: TrainingOptions
    }

    /// The checkpoint of the most steps; nil where there is none.
    package func newest() throws(TrainingError) -> Saved? {
        guard let name = names().last else { return nil }
        let folder = path + "/checkpoints/" + name
        do {
            let json = try Data(contentsOf: URL(fileURLWithPath: folder + "/state.json"))
            let state = try JSONDecoder().decode(State.self, from: json)
            return Saved(step: state.step, path: folder, options: state.options)
        } catch {
            let advice = "not the state of a run of this version: delete the folder to resume from the previous one"
            throw TrainingError(.checkpoint, folder + "/state.json", advice)
        }
    }

    /// Writes the checkpoint of `trainer`, and deletes all but the newest two.
    package func save(_ trainer: Trainer, _ options: TrainingOptions) async throws {
        let step = await trainer.step
        let digits = String(step)
        let final = path + "/checkpoints/step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
        let partial = final + ".partial"
        let files = FileManager.default
        try? files.removeItem(atPath: partial)  // what a run that was killed left, where it left something
        try files.createDirectory(atPath: partial, withIntermediateDirectories: true)
        try await trainer.write(to: partial)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeFile(encoder.encode(State(step: step, options: options)), to: partial + "/state.json")
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
