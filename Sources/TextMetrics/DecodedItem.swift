import Foundation

/// The name of an image or a question: a number or a text in JSON, the same name for `17` and `"17"`.
struct ItemID: Decodable, Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {  // a text is tried next
            text = String(number)
        } else {
            text = try container.decode(String.self)
        }
    }

    /// The same without a picture's extension: Flickr30K names images by their file.
    var withoutExtension: ItemID {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last, ["jpg", "jpeg", "png"].contains(last.lowercased()) else {
            return self
        }
        return ItemID(parts.dropLast().joined(separator: "."))
    }
}

extension JSONItems.Item {
    /// The item as a value.
    ///
    /// - Throws: `malformed` with the line and the key.
    func decoded<Value: Decodable>(_ type: Value.Type, _ path: String) throws(MetricsError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw MetricsError(.malformed, path, "line \(line): \(Self.fault(error))")
        } catch {
            throw MetricsError(.malformed, path, "line \(line): not valid JSON")
        }
    }

    private static func fault(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(place(context.codingPath + [key])) is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(place(context.codingPath)): want \(name(type))"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "not valid JSON" : "\(place(context.codingPath)): not valid"
        @unknown default: "not as expected"
        }
    }

    private static func name(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Int.Type, is Int64.Type, is Double.Type: "a number"
        case is [Any].Type: "a list"
        case is [String: Any].Type: "an object"
        default: "another kind of value"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        let text = path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return text.isEmpty ? "the item" : text
    }
}
