/// A setting that two manifests disagree about.
package struct ManifestDifference: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Where in the manifest, such as `caption.count`.
    package let key: String
    /// What the existing output was begun with; nil where the key was absent.
    package let existing: String?
    /// What is asked for now; nil where the key is absent.
    package let new: String?

    /// `caption.count: was 10, is 5`.
    package var description: String {
        "\(key): was \(existing.map(Self.shown) ?? "absent"), is \(new.map(Self.shown) ?? "absent")"
    }

    /// A value as it is, or in quotes where it has nothing to see at its ends.
    private static func shown(_ value: String) -> String {
        value.isEmpty || value.first?.isWhitespace == true || value.last?.isWhitespace == true ? "\"\(value)\"" : value
    }
}

/// What differs between the settings of an existing output and those of a new manifest, by key.
package func compare(existing: [String: String], new: [String: String]) -> [ManifestDifference] {
    Set(existing.keys).union(new.keys).sorted().compactMap { key in
        guard existing[key] != new[key] else { return nil }
        return ManifestDifference(key: key, existing: existing[key], new: new[key])
    }
}

/// `differences` as one line for a person, with the ways out; of many, the first ones.
func summary(of differences: [ManifestDifference]) -> String {
    var shown = differences.prefix(8).map(\.description).joined(separator: "; ")
    if differences.count > 8 { shown += "; and \(differences.count - 8) more" }
    return shown + ". Put \(differences.count == 1 ? "it" : "them") back, or build into another folder"
}
