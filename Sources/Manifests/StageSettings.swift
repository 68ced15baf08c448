import Foundation

/// The file of one kind of training: what all have, and what only this kind has.
@dynamicMemberLookup
package protocol StageSettings: Encodable, Sendable, Equatable {
    var run: RunSettings { get set }
    /// How often hidden states and attention's weights of the Q-Former are dropped in training.
    var dropout: Double { get set }
    /// The keys of the file, in its order.
    static var order: [String] { get }
    /// Keys, beside those of `RunSettings.changeable`, that may have another value each time that a run is resumed.
    static var changeable: [String] { get }

    /// Reads the settings from YAML text; paths stay as they are written.
    init(yaml: String) throws(ManifestError)
    /// The settings with every path absolute, as `PathsBesideFile` finds the inputs; the output is in the current directory.
    func resolved(besideFile path: String) -> Self
}

extension StageSettings {
    /// What the file says whatever is trained.
    package subscript<Value>(dynamicMember path: WritableKeyPath<RunSettings, Value>) -> Value {
        get { run[keyPath: path] }
        set { run[keyPath: path] = newValue }
    }

    /// Reads the file `path`; paths in it stay as they are written.
    package init(contentsOfFile path: String) throws(ManifestError) { try self.init(yaml: yamlText(ofFile: path)) }

    /// The settings with `overrides` over them.
    package func overridden(by overrides: RunOverrides) -> Self {
        var settings = self
        settings.run = run.overridden(by: overrides)
        settings.dropout = overrides.dropout ?? dropout
        return settings
    }

    private var words: [(key: String, value: Setting)] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do {
            var top = try JSONDecoder().decode([String: Setting].self, from: encoder.encode(self))
            // No sets are the absence of the key.
            if case .mapping(var data)? = top["data"], data["sets"] == .list([]) {
                data["sets"] = nil
                top["data"] = .mapping(data)
            }
            return ordered(top, Self.order)
        } catch {
            preconditionFailure("settings are plain data: \(error)")
        }
    }

    /// The settings as YAML, every default written out: the file that reads as these.
    package func yaml() -> String {
        words.map { key, value in lines(key, value, indent: "").joined(separator: "\n") + "\n" }.joined()
    }

    /// What keeps a run of these settings from going on as one of `earlier`, as `key: here, not there`.
    package func differences(from earlier: Self) -> [String] {
        let (here, there) = (deciding, earlier.deciding)
        return Set(here.keys).union(there.keys).sorted().compactMap { key in
            let (new, old) = (here[key] ?? "none", there[key] ?? "none")
            return new == old ? nil : "\(key): \(new), not \(old)"
        }
    }

    /// Every setting that decides what is learned, `key.path` to value.
    private var deciding: [String: String] {
        var flat: [String: String] = [:]
        for (key, value) in words { flatten(value, at: key, into: &flat) }
        return flat.filter { key, _ in
            // The mean of the processes' means is another one with another number of processes.
            if key == "processes" { return run.losses.textMean == .processes }
            let changeable = RunSettings.changeable + Self.changeable
            let isPlace = [".path", ".file", ".annotations"].contains { key.contains("]" + $0) }
            return !isPlace && !changeable.contains { key == $0 || key.hasPrefix($0 + ".") }
        }
    }
}

extension RunSettings {
    /// Where, how fast and how safely a run goes, which may be another way each time that it is resumed.
    ///
    /// Models, data sets and questions are known by what is in them, wherever they are.
    static let changeable = [
        "output", "device", "threads", "training.accumulate", "checkpoints", "validation", "data.damage_limit",
    ]

    /// Why a batch cannot be divided; nil where it can.
    package var batchProblem: String? {
        let processes = processes ?? 1
        let parts = training.accumulate * processes
        guard training.batchSize < parts else { return nil }
        return "want at least \(parts), a sample for each of \(training.accumulate) parts in \(processes) processes, "
            + "not \(training.batchSize)"
    }
}
