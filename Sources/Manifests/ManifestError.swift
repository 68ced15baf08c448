/// A manifest that cannot be used, and the place to look at.
package struct ManifestError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unreadable
        case syntax
        case unknownKey = "unknown-key"
        case missingKey = "missing-key"
        case wrongType = "wrong-type"
        case invalid = "invalid-value"
    }

    package let code: Code
    /// From 1; nil where the fault has no line.
    package let line: Int?
    /// In the notation of the manifest: `sources[2].limit`; empty for the whole file.
    package let keyPath: String
    /// What is allowed, or what to do.
    package let hint: String

    /// Class, place and hint in one line: `unknown-key: line 7: image.sise: did you mean size`.
    package var description: String {
        ([code.rawValue] + (line.map { ["line \($0)"] } ?? []) + (keyPath.isEmpty ? [] : [keyPath]) + [hint])
            .joined(separator: ": ")
    }
}
