import Foundation
import Samples

/// One JSON object of a list; lists are untidy, so every reader takes what makes sense and passes over the rest.
struct JSONFields {
    private let values: [String: Any]

    /// Nil where `bytes` are no JSON object.
    init?(_ bytes: [UInt8]) {
        guard let object = jsonValue(bytes) as? [String: Any] else { return nil }
        values = object
    }

    private init(_ values: [String: Any]) { self.values = values }

    var keys: [String] { Array(values.keys) }

    /// A text, or a number written as one; empty where there is none.
    func text(_ key: String) -> String { plainText(values[key]) }

    /// One text, or a list of them.
    func texts(_ key: String) -> [String] {
        guard let list = values[key] as? [Any] else { return [text(key)].filter { !$0.isEmpty } }
        return list.map(plainText).filter { !$0.isEmpty }
    }

    /// A number, or a text that is one.
    func number(_ key: String) -> Double? {
        switch values[key] {
        case let number as NSNumber: number.doubleValue
        case let text as String: Double(text)
        default: nil
        }
    }

    func int(_ key: String) -> Int? { number(key).flatMap { Int(exactly: $0.rounded()) } }

    /// The objects of a list.
    func objects(_ key: String) -> [JSONFields] {
        (values[key] as? [Any] ?? []).compactMap { ($0 as? [String: Any]).map(JSONFields.init) }
    }

    func has(_ key: String) -> Bool { values[key] != nil }
}

/// The value of JSON text; nil where it is none.
func jsonValue(_ bytes: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)  // a bad row, which is a value
}

private func plainText(_ value: Any?) -> String {
    switch value {
    case let value as String: text(of: Array(value.utf8))
    case let value as NSNumber: value.stringValue
    default: ""
    }
}
