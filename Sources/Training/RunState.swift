import Foundation

/// What a checkpoint says of its run, `state.json`: how far it is, and all that must be the same for it to go on.
package struct RunState: Sendable, Equatable, Codable {
    /// What a state of this version holds; another one is not read.
    static let currentVersion = 3

    let version: Int
    /// How many steps were taken.
    package let step: Int
    package let options: TrainingOptions
    /// The digests of the model's frozen parts, by name.
    package let frozen: [String: String]
    /// What losses are multiplied by; nil where the precision needs none.
    let lossScale: LossScale?

    init(step: Int, options: TrainingOptions, frozen: [FrozenWeights], lossScale: LossScale? = nil) {
        version = Self.currentVersion
        self.lossScale = lossScale
        (self.step, self.options) = (step, options)
        self.frozen = Dictionary(uniqueKeysWithValues: frozen.map { ($0.name, $0.digest) })
    }

    /// The state in the file at `path`.
    init(file path: String) throws(TrainingError) {
        struct Version: Decodable {
            let version: Int?
        }
        let json: Data
        let version: Int?
        do {
            json = try Data(contentsOf: URL(fileURLWithPath: path))
            version = try JSONDecoder().decode(Version.self, from: json).version
        } catch {
            throw Self.damaged(path)
        }
        // The first version had no number.
        guard version == Self.currentVersion else {
            let other = (version ?? 1) < Self.currentVersion ? "an earlier" : "a later"
            throw TrainingError(
                .otherVersion, path,
                "written by \(other) version of blip2: resume with that version, or name another output")
        }
        do {
            self = try JSONDecoder().decode(RunState.self, from: json)
        } catch {
            throw Self.damaged(path)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case version, step, options, frozen
        case lossScale = "loss_scale"
    }

    private static func damaged(_ path: String) -> TrainingError {
        TrainingError(
            .checkpoint, path,
            "cannot be read as the state of a run: delete its folder to resume from the checkpoint before it")
    }

    /// The state as a file holds it.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// What keeps a run in the state `self` from going on as one in the state `saved`, as `field: here, not there`; how far
    /// they are aside.
    package func differences(from saved: RunState) throws -> [String] {
        let (here, there) = (try fields(), try saved.fields())
        return Set(here.keys).union(there.keys).sorted().compactMap { name in
            let (new, old) = (here[name] ?? "none", there[name] ?? "none")
            return new == old || name == "step" || name.hasPrefix("loss_scale") ? nil : "\(name): \(new), not \(old)"
        }
    }

    /// The fields by the names of the file, those inside others behind a dot, the options without it.
    private func fields() throws -> [String: String] {
        func flat(_ value: Any, _ name: String) -> [(String, String)] {
            guard let members = value as? [String: Any] else { return [(name, "\(value)")] }
            return members.flatMap { flat($1, name.isEmpty || name == "options" ? $0 : name + "." + $0) }
        }
        return Dictionary(flat(try JSONSerialization.jsonObject(with: json()), "")) { first, _ in first }
    }
}
