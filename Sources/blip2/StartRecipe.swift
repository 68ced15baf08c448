import Commands
import Files
import Foundation

/// The options that a new model was made with, in a file beside it: a rerun with others is not the same run.
struct StartRecipe: Codable {
    private static let name = "start.json"

    let options: [String: String]

    init(options: [String: String]) { self.options = options }

    /// The recipe of the model in `folder`.
    private init(of folder: String) throws {
        do {
            let json = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + Self.name))
            self = try JSONDecoder().decode(StartRecipe.self, from: json)
        } catch {
            throw CommandError(
                .badInput,
                "\(folder): other_version: begun by another version of blip2, without \(Self.name): resume with that "
                    + "version, or name another output")
        }
    }

    private func write(to folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeFile(encoder.encode(self), to: folder + "/" + Self.name)
    }

    /// The folder `start` of a run in `output`: the model before the first step, written once.
    ///
    /// `make` makes the folder that it is given, and writes the model there. A model of another recipe is refused.
    func folder(in output: String, _ make: (String) throws -> Void) throws -> String {
        let folder = output + "/start"
        guard !FileManager.default.fileExists(atPath: folder) else {
            try StartRecipe(of: folder).check(against: self, output)
            return folder
        }
        let partial = folder + ".partial"
        try make(partial)
        try write(to: partial)
        try publishFile(partial, as: folder)
        return folder
    }

    /// Throws where a run in `output` with the options `wanted` would not start from this model.
    private func check(against wanted: StartRecipe, _ output: String) throws {
        let differences = Set(options.keys).union(wanted.options.keys).sorted().compactMap { name -> String? in
            let (new, old) = (wanted.options[name] ?? "none", options[name] ?? "none")
            return new == old ? nil : "\(name): \(new), not \(old)"
        }
        guard !differences.isEmpty else { return }
        throw CommandError(
            .badInput,
            "\(output): other_options: resume with the same options, or name another output: "
                + differences.joined(separator: "; "))
    }
}
