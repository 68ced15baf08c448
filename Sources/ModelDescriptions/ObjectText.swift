package import Foundation

/// The text of a JSON object whose entries can be set and removed; all else stays as it is written.
///
/// Foundation writes 1.0 as 1, which transformers refuses where a class wants a number with a point.
package struct ObjectText: Sendable, Equatable {
    private var entries: [(key: String, text: String)] = []

    /// The object `json`.
    package init(json: Data) throws(ConfigurationError) {
        // Foundation decides what is JSON; then it is enough to find where entries begin and end.
        guard (try? JSONSerialization.jsonObject(with: json)) is [String: Any],
            let text = String(data: json, encoding: .utf8)
        else { throw ConfigurationError(key: "", message: "not a JSON object") }
        for part in Self.parts(of: Array(text.utf8)) {
            guard let key = try? JSONDecoder().decode(String.self, from: Data(part.key.utf8)) else { continue }
            entries.append((key, part.value))
        }
    }

    package static func == (a: ObjectText, b: ObjectText) -> Bool { a.data == b.data }

    /// The JSON text of the value of `key`; nil where there is none, and to remove it.
    package subscript(key: String) -> String? {
        get { entries.first { $0.key == key }?.text }
        set {
            let place = entries.firstIndex { $0.key == key }
            switch (place, newValue) {
            case (let place?, let text?): entries[place].text = text
            case (let place?, nil): entries.remove(at: place)
            case (nil, let text?): entries.append((key, text))
            case (nil, nil): break
            }
        }
    }

    /// The object, an entry a line, sorted by key.
    package var data: Data {
        let lines = entries.sorted { $0.key < $1.key }.map { "  \(Self.quoted($0.key)): \($0.text)" }
        return Data(("{\n" + lines.joined(separator: ",\n") + "\n}\n").utf8)
    }

    /// `text` as JSON.
    package static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let json = try? encoder.encode(text) else { preconditionFailure("every text can be written as JSON") }
        return String(decoding: json, as: UTF8.self)
    }

    /// The keys, in quotes, and the values of the object that `bytes` are, which is whole.
    private static func parts(of bytes: [UInt8]) -> [(key: String, value: String)] {
        var (parts, key, start): ([(String, String)], String?, Int) = ([], nil, 0)
        var (depth, isText, isEscaped) = (0, false, false)
        func trimmed(_ range: Range<Int>) -> String {
            String(decoding: bytes[range], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        for (place, byte) in bytes.enumerated() {
            if isText {
                (isEscaped, isText) = (
                    byte == UInt8(ascii: "\\") && !isEscaped, byte != UInt8(ascii: "\"") || isEscaped
                )
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth == 1 { start = place + 1 }
            case UInt8(ascii: ":") where depth == 1 && key == nil:
                (key, start) = (trimmed(start..<place), place + 1)
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 1, let name = key {
                    parts.append((name, trimmed(start..<place)))
                    (key, start) = (nil, place + 1)
                }
                if byte != UInt8(ascii: ",") { depth -= 1 }
            default: break
            }
        }
        return parts
    }
}
