import Files
import Foundation
package import ModelFolders

/// How a finished model was trained, in a file beside it: `training.json`.
package struct TrainedStep: Codable, Sendable, Equatable {
    private static let name = "training.json"

    /// What it was trained for, in words.
    package let objective: String
    /// The steps of its training.
    package let step: Int

    package init(objective: String, step: Int) { (self.objective, self.step) = (objective, step) }

    /// What the model in `folder` says; nil where it does not.
    package init?(of folder: ModelDirectory) throws {
        guard let json = FileManager.default.contents(atPath: folder.path + "/" + Self.name) else { return nil }
        guard let found = try? JSONDecoder().decode(Self.self, from: json) else {
            throw ModelError(
                .badConfiguration, folder.path + "/" + Self.name, "not what a training writes: want objective and step")
        }
        self = found
    }

    func write(to folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeFile(encoder.encode(self), to: folder + "/" + Self.name)
    }
}
