import Foundation

/// A value of a manifest under the key that people write, every default filled in.
indirect enum Setting: Equatable, Decodable {
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([Setting])
    case mapping([String: Setting])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // JSON tells the kinds apart: a value is of one kind alone.
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([Setting].self) {
            self = .list(value)
        } else {
            self = .mapping(try container.decode([String: Setting].self))
        }
    }

    /// A single value as YAML has it; nil for a list or a mapping that holds something.
    var scalar: String? {
        switch self {
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): quoted(value)
        case .list(let values): values.isEmpty ? "[]" : nil
        case .mapping(let values): values.isEmpty ? "{}" : nil
        }
    }
}

extension Manifest {
    /// Every value under the manifest's own keys, those at the top first; `output` is left out.
    var words: [(key: String, value: Setting)] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do {
            var top = try JSONDecoder().decode([String: Setting].self, from: encoder.encode(self))
            top["output"] = nil
            if case .list(let sources)? = top["sources"] { top["sources"] = .list(sources.map(sourceWords)) }
            return ordered(
                top,
                [
                    "version", "name", "seed", "precision", "shard", "image", "fetch", "deduplicate", "exclude",
                    "caption",
                    "rank",
                ])
        } catch {
            preconditionFailure("a manifest is plain data: \(error)")
        }
    }

    /// The manifest as YAML, every default written out, but for `output`: where a data set lies changes nothing in it.
    package func yaml() -> String {
        words.map { key, value in lines(key, value, indent: "").joined(separator: "\n") + "\n" }.joined()
    }
}

/// A source's values as people write them: of a list's columns and table at the top, and paths under their short names.
private func sourceWords(_ source: Setting) -> Setting {
    guard case .mapping(var words) = source else { return source }
    for (long, short) in [("paths", "path"), ("image_roots", "image_root"), ("rewrites", "rewrite")] {
        words[short] = words.removeValue(forKey: long)
    }
    // No folder is the absence of the key.
    if words["image_root"] == .list([]) { words["image_root"] = nil }
    if case .mapping(let table)? = words.removeValue(forKey: "table") { words.merge(table) { $1 } }
    if case .mapping(var columns)? = words.removeValue(forKey: "columns") {
        if case .mapping(let facts)? = columns.removeValue(forKey: "facts") { columns.merge(facts) { $1 } }
        for (name, column) in columns { words[name + "_column"] = column }
    }
    return .mapping(words)
}

/// The members of `mapping`, those of `first` before the others.
func ordered(_ mapping: [String: Setting], _ first: [String]) -> [(key: String, value: Setting)] {
    let rest = Set(mapping.keys).subtracting(first).sorted()
    return (first + rest).compactMap { key in mapping[key].map { (key, $0) } }
}

/// The lines of `key` with its value.
func lines(_ key: String, _ value: Setting, indent: String) -> [String] {
    if let scalar = value.scalar { return ["\(indent)\(key): \(scalar)"] }
    switch value {
    case .mapping(let members):
        return ["\(indent)\(key):"]
            + ordered(members, ["name", "format", "path"]).flatMap { lines($0.key, $0.value, indent: indent + "  ") }
    case .list(let values):
        return ["\(indent)\(key):"] + values.flatMap { elementLines($0, indent: indent + "  ") }
    default: preconditionFailure("a value is a scalar, a list or a mapping")
    }
}

private func elementLines(_ value: Setting, indent: String) -> [String] {
    guard case .mapping(let members) = value, !members.isEmpty else {
        return ["\(indent)- \(value.scalar ?? "[]")"]
    }
    let all = ordered(members, ["name", "format", "path"]).flatMap { lines($0.key, $0.value, indent: indent + "  ") }
    return ["\(indent)- \(all[0].dropFirst(indent.count + 2))"] + all.dropFirst()
}

/// `text` in double quotes, escaped as in JSON, which YAML reads.
private func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    do {
        return String(decoding: try encoder.encode(text), as: UTF8.self)
    } catch {
        preconditionFailure("a string is plain data: \(error)")
    }
}
