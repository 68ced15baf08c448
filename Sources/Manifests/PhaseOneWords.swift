import Foundation

extension PhaseOneSettings {
    /// The keys of the file, in its order.
    private static let order = [
        "version", "stage", "seed", "output", "processes", "device", "threads", "image_encoder", "start", "qformer",
        "data", "images", "captions", "losses", "training", "checkpoints", "validation",
    ]

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

    /// Where, how fast and how safely a run goes, which may be another way each time that it is resumed.
    ///
    /// Models and data sets are known by what is in them, wherever they are.
    private static let manners = [
        "output", "device", "threads", "image_encoder.model", "start.from", "start.head",
        "start.tokenizer", "training.accumulate", "checkpoints", "validation", "data.damage_limit",
    ]

    /// What keeps a run of these settings from going on as one of `earlier`, as `key: here, not there`.
    package func differences(from earlier: PhaseOneSettings) -> [String] {
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
            if key == "processes" { return losses.textMean == .processes }
            return !key.contains("].path") && !Self.manners.contains { key == $0 || key.hasPrefix($0 + ".") }
        }
    }
}
