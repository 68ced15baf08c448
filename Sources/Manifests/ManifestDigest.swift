import Digests
package import Samples

extension Manifest {
    /// Keys that change no byte of what is done, with all that is under them: how servers are asked, and how long.
    private static let manners = [
        "fetch.timeout", "fetch.retries", "fetch.user_agent", "fetch.max_failure_ratio", "fetch.per_host",
        "fetch.patience", "fetch.outage",
    ]

    /// Every setting that can change a byte of a shard, `key.path` to value as the manifest has them; equal manifests give
    /// equal tables.
    ///
    /// `output` is left out, for where a data set lies changes nothing in it, and so are the manners.
    package func settings() -> [String: String] {
        var flat: [String: String] = [:]
        for (key, value) in words { flatten(value, at: key, into: &flat) }
        return flat.filter { key, _ in
            !Self.manners.contains { key == $0 || key.hasPrefix($0 + ".") || key.hasPrefix($0 + "[") }
        }
    }

    /// The digest of `settings`: names what is built, and is written into `dataset.json`.
    package func digest() -> ContentDigest {
        let lines = settings().sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        return Digests.digest(of: lines.joined())
    }
}

/// Adds `value`, and what is in it, to `flat` under its path.
func flatten(_ value: Setting, at path: String, into flat: inout [String: String]) {
    switch value {
    case .mapping(let members): for (key, value) in members { flatten(value, at: "\(path).\(key)", into: &flat) }
    case .list(let values) where !values.isEmpty:
        for (index, value) in values.enumerated() { flatten(value, at: "\(path)[\(index)]", into: &flat) }
    case .list: break  // the same as a list that is not there
    case .string(let text): flat[path] = text
    default: flat[path] = value.scalar
    }
}
