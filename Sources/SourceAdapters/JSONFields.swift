import Samples

/// A value of another kind than is meant, with its column.
///
/// Its row is bad: nothing is ignored in silence.
struct ValueFault: Error {
    let text: String
}

/// One JSON object of a list.
struct JSONFields {
    private let values: [String: JSONValue]

    /// Nil where `bytes` are not a JSON object.
    init?(_ bytes: [UInt8]) {
        guard case .object(let values)? = jsonValue(bytes) else { return nil }
        self.values = values
    }

    init(_ values: [String: JSONValue]) { self.values = values }

    var keys: [String] { Array(values.keys) }

    func has(_ key: String) -> Bool { values[key] != nil }

    /// A text, a number as it is written, or a truth value as a word.
    ///
    /// Empty where there is nothing, null or NaN.
    func text(_ key: String) throws(ValueFault) -> String {
        guard let value = values[key] else { return "" }
        guard let text = plainText(value) else { throw ValueFault(text: "\(key): \(value.kindName), not text") }
        return text
    }

    /// A URL or a path, of which nothing but the ends is trimmed.
    func url(_ key: String) throws(ValueFault) -> String {
        if case .string(let bytes)? = values[key] { return urlText(of: bytes) }
        return try text(key)
    }

    /// One text, or a list of them, whose lists are taken one after the other; empty ones are none.
    func texts(_ key: String) throws(ValueFault) -> [String] {
        guard let value = values[key] else { return [] }
        return try value.texts(key)
    }

    /// A number, or a text that is one; nil where there is nothing, null or NaN.
    func number(_ key: String) throws(ValueFault) -> Double? {
        switch values[key] {
        case nil, .null, .notANumber: return nil
        case .number(let text): return try SourceAdapters.number(text, key)
        case .string(let bytes): return try SourceAdapters.number(SourceAdapters.text(of: bytes), key)
        case let value?: throw ValueFault(text: "\(key): \(value.kindName), not a number")
        }
    }

    func int(_ key: String) throws(ValueFault) -> Int? {
        try number(key).flatMap { Int(exactly: $0.rounded()) }
    }

    /// The objects of a list; none where there is no list.
    func objects(_ key: String) throws(ValueFault) -> [JSONFields] {
        switch values[key] {
        case nil, .null: return []
        case .array(let list):
            var objects: [JSONFields] = []
            for value in list {
                guard case .object(let values) = value else {
                    throw ValueFault(text: "\(key): \(value.kindName) in a list of objects")
                }
                objects.append(JSONFields(values))
            }
            return objects
        case let value?: throw ValueFault(text: "\(key): \(value.kindName), not a list of objects")
        }
    }
}

extension JSONValue {
    /// One text, or those of a list, whose lists are taken one after the other; empty ones are none.
    func texts(_ name: String) throws(ValueFault) -> [String] {
        guard case .array(let list) = self else {
            guard let text = plainText(self) else { throw ValueFault(text: "\(name): \(kindName), not text") }
            return text.isEmpty ? [] : [text]
        }
        var texts: [String] = []
        for value in list { texts += try value.texts(name) }
        return texts
    }
}

/// The URL that the JSON text `bytes` is, of the column `name`.
func jsonURL(_ bytes: [UInt8], _ name: String) throws(ValueFault) -> String {
    if case .string(let bytes)? = jsonValue(bytes) { return urlText(of: bytes) }
    return try jsonText(bytes, name)
}

/// The text that the JSON text `bytes` is, of the column `name`.
func jsonText(_ bytes: [UInt8], _ name: String) throws(ValueFault) -> String {
    guard let value = jsonValue(bytes) else { throw ValueFault(text: "\(name): not JSON") }
    guard let text = plainText(value) else { throw ValueFault(text: "\(name): \(value.kindName), not text") }
    return text
}

/// Nil for lists and objects, which are not text.
private func plainText(_ value: JSONValue) -> String? {
    switch value {
    case .null, .notANumber: ""
    case .bool(let value): value ? "true" : "false"
    case .number(let text): text
    case .string(let bytes): text(of: bytes)
    case .array, .object: nil
    }
}

/// The number that `text` is; nil where it is empty, or a word that tables have in the place of a number.
func number(_ text: String, _ column: String) throws(ValueFault) -> Double? {
    let word = trimmed(text)
    // `Double` takes hexadecimal digits too, which no list means as a number.
    let isDecimal = word.utf8.allSatisfy { (48...57).contains($0) || [43, 45, 46, 69, 101].contains($0) }
    if isDecimal, let number = Double(word) { return number }
    guard ["", "nan", "inf", "-inf", "none", "null", "na", "n/a", "<na>", "\\n"].contains(word.lowercased()) else {
        throw ValueFault(text: "\(column): \"\(word.prefix(40))\" is not a number")
    }
    return nil
}
