import Yams

/// Reads the keys of one YAML mapping, each with its type and range, and refuses those nobody asked for.
final class MappingReader {
    let path: String
    private let line: Int?
    private let values: [String: Node]
    private let keys: [(name: String, line: Int?)]
    private var known: [String] = []

    init(_ node: Node, path: String) throws(ManifestError) {
        guard case .mapping(let mapping) = node else {
            throw ManifestError(
                code: .wrongType, line: node.mark?.line, keyPath: path, hint: "want a mapping of keys to values")
        }
        self.path = path
        self.line = node.mark?.line
        var values: [String: Node] = [:]
        var keys: [(String, Int?)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                throw ManifestError(code: .unknownKey, line: key.mark?.line, keyPath: path, hint: "a key must be text")
            }
            values[name] = value
            keys.append((name, key.mark?.line))
        }
        self.values = values
        self.keys = keys
    }

    /// The full name of `key` in messages.
    func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func fault(_ code: ManifestError.Code, _ key: String, _ hint: String) -> ManifestError {
        ManifestError(code: code, line: values[key]?.mark?.line ?? line, keyPath: full(key), hint: hint)
    }

    /// The value of `key`; nil where the key is absent or null.
    func node(_ key: String) -> Node? {
        if !known.contains(key) { known.append(key) }
        guard let node = values[key], node.null == nil || isQuoted(node) else { return nil }
        return node
    }

    func required(_ key: String, _ hint: String) throws(ManifestError) -> Node {
        guard let node = node(key) else { throw fault(.missingKey, key, hint) }
        return node
    }

    func int(_ key: String, default fallback: Int, in range: ClosedRange<Int>) throws(ManifestError) -> Int {
        guard let node = node(key) else { return fallback }
        return try int(node, key, in: range)
    }

    func int(_ node: Node, _ key: String, in range: ClosedRange<Int>) throws(ManifestError) -> Int {
        guard let value = node.int, !isQuoted(node) else { throw fault(.wrongType, key, "want a whole number") }
        guard range.contains(value) else {
            let bound =
                range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw fault(.invalid, key, "want \(bound), not \(value)")
        }
        return value
    }

    func double(
        _ key: String, default fallback: Double, want: String, where allowed: (Double) -> Bool
    ) throws(ManifestError) -> Double {
        guard let node = node(key) else { return fallback }
        guard let value = node.float, !isQuoted(node) else { throw fault(.wrongType, key, "want a number, \(want)") }
        guard value.isFinite, allowed(value) else { throw fault(.invalid, key, "want \(want), not \(value)") }
        return value
    }

    func bool(_ key: String, default fallback: Bool) throws(ManifestError) -> Bool {
        guard let node = node(key) else { return fallback }
        guard let value = node.bool, !isQuoted(node) else { throw fault(.wrongType, key, "want true or false") }
        return value
    }

    func string(_ key: String, default fallback: String) throws(ManifestError) -> String {
        guard let node = node(key) else { return fallback }
        return try string(node, key)
    }

    func string(_ node: Node, _ key: String) throws(ManifestError) -> String {
        guard case .scalar(let scalar) = node else { throw fault(.wrongType, key, "want text") }
        guard isQuoted(node) || (node.bool == nil && node.int == nil && node.float == nil) else {
            throw fault(.wrongType, key, "want text; put it in quotes: \"\(scalar.string)\"")
        }
        guard !scalar.string.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\t" || $0.value == 127 }) else {
            throw fault(.invalid, key, "want text without control characters")
        }
        return scalar.string
    }

    func optionalInt(_ key: String, in range: ClosedRange<Int>) throws(ManifestError) -> Int? {
        guard let node = node(key) else { return nil }
        return try int(node, key, in: range)
    }

    func optionalString(_ key: String) throws(ManifestError) -> String? {
        guard let node = node(key) else { return nil }
        return try string(node, key)
    }

    /// One text, or a list of them.
    func strings(
        _ node: Node, _ key: String, want: String, mayBeEmpty: Bool = false
    ) throws(ManifestError) -> [String] {
        var texts: [String] = []
        if case .sequence(let list) = node {
            for item in list { texts.append(try string(item, key)) }
        } else {
            texts.append(try string(node, key))
        }
        guard mayBeEmpty || !texts.isEmpty, texts.allSatisfy({ !$0.isEmpty }) else {
            throw fault(.invalid, key, "want \(want)")
        }
        return texts
    }

    /// The name of a column, or its number written as one.
    func columnName(_ node: Node, _ key: String) throws(ManifestError) -> String {
        if let number = node.int, number >= 0 { return String(number) }
        return try string(node, key)
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Value?
    ) throws(ManifestError) -> Value where Value.RawValue == String {
        let allowed = "one of " + Value.allCases.map(\.rawValue).joined(separator: ", ")
        guard let node = node(key) else {
            guard let fallback else { throw fault(.missingKey, key, "add it: \(allowed)") }
            return fallback
        }
        guard case .scalar(let scalar) = node else { throw fault(.wrongType, key, "want \(allowed)") }
        guard let value = Value(rawValue: scalar.string) else {
            throw fault(.invalid, key, "want \(allowed), not \(scalar.string.debugDescription)")
        }
        return value
    }

    /// Refuses the first key that was never asked for.
    func finish() throws(ManifestError) {
        for (name, line) in keys where !known.contains(name) {
            let near = known.filter { distance($0, name) <= 2 }.min { distance($0, name) < distance($1, name) }
            let allowed = "allowed here: " + known.joined(separator: ", ")
            throw ManifestError(
                code: .unknownKey, line: line, keyPath: full(name),
                hint: near.map { "did you mean \($0)? \(allowed)" } ?? allowed)
        }
    }

    private func isQuoted(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .doubleQuoted || scalar.style == .singleQuoted
    }
}

/// How many characters must be inserted, removed or replaced to make `left` of `right`.
private func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let replaced = diagonal + (character == other ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}
