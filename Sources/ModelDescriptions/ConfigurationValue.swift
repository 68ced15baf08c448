/// A JSON value of a model's description.
package enum ConfigurationValue: Decodable, Equatable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([ConfigurationValue])
    case object([String: ConfigurationValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Each is tried in turn: a container does not say what it holds.
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let values = try? container.decode([ConfigurationValue].self) {
            self = .list(values)
        } else {
            self = .object(try container.decode([String: ConfigurationValue].self))
        }
    }

    /// The value as it stands in a message, which a long one would drown.
    package var shown: String {
        switch self {
        case .null: "null"
        case .flag(let value): "\(value)"
        case .number(let value): integer.map { "\($0)" } ?? "\(value)"
        case .text(let value): "\"\(value.prefix(40))\""
        case .list(let values):
            "[" + values.prefix(4).map(\.shown).joined(separator: ", ") + (values.count > 4 ? ", …]" : "]")
        case .object(let values):
            "{"
                + values.sorted { $0.key < $1.key }.prefix(4).map { "\"\($0.key)\": \($0.value.shown)" }
                .joined(separator: ", ") + (values.count > 4 ? ", …}" : "}")
        }
    }

    /// The whole number that this is, where it is one.
    package var integer: Int? {
        guard case .number(let value) = self, abs(value) < 0x1p53, value == value.rounded() else { return nil }
        return Int(value)
    }

    /// Whether the value says nothing: null, or an empty list, object or text.
    var isEmpty: Bool {
        switch self {
        case .null: true
        case .text(let value): value.isEmpty
        case .list(let values): values.isEmpty
        case .object(let values): values.isEmpty
        case .flag, .number: false
        }
    }
}
