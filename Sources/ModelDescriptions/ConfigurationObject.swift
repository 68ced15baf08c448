package import Foundation
package import Tensors

/// A JSON object of a model's description, read key by key; what was not read is asked about at the end.
package struct ConfigurationObject {
    private final class ReadKeys {
        var names: Set<String> = []
    }

    private let values: [String: ConfigurationValue]
    private let path: String
    private let read = ReadKeys()

    /// Reads the object `json`.
    package init(json: Data) throws(ConfigurationError) {
        // Foundation's own message says where in the bytes; that the file is not JSON is what a person needs.
        guard let values = try? JSONDecoder().decode([String: ConfigurationValue].self, from: json) else {
            throw ConfigurationError(key: "", message: "not a JSON object")
        }
        self.init(values: values, path: "")
    }

    private init(values: [String: ConfigurationValue], path: String) {
        self.values = values
        self.path = path
    }

    /// The value of `key`; nil where it is absent.
    package func value(_ key: String) -> ConfigurationValue? {
        read.names.insert(key)
        return values[key]
    }

    /// The object `key`, empty where it is absent or null.
    package func object(_ key: String) throws(ConfigurationError) -> ConfigurationObject {
        try objectIfPresent(key) ?? ConfigurationObject(values: [:], path: path + key + ".")
    }

    /// The object `key`; nil where it is absent or null.
    package func objectIfPresent(_ key: String) throws(ConfigurationError) -> ConfigurationObject? {
        switch value(key) {
        case nil, .null: return nil
        case .object(let values): return ConfigurationObject(values: values, path: path + key + ".")
        case let value?: throw error(key, "\(value.shown) is not an object")
        }
    }

    /// Refuses a description of another kind of model than `type`; one that names no kind is taken.
    package func requireModel(_ type: String) throws(ConfigurationError) {
        guard let value = value("model_type"), value != .text(type) else { return }
        throw error("model_type", "\(value.shown), but a model of type \(type) is needed here")
    }

    /// The positive whole number `key`, or `standard` where the key is absent.
    package func size(_ key: String, _ standard: Int) throws(ConfigurationError) -> Int {
        let value = try integer(key, standard)
        guard value > 0 else { throw error(key, "\(value) is not positive") }
        return value
    }

    /// The whole number `key`, not negative, or `standard` where the key is absent.
    package func integer(_ key: String, _ standard: Int) throws(ConfigurationError) -> Int {
        guard let value = value(key) else { return standard }
        guard let number = value.integer, number >= 0, number < 1 << 31 else {
            throw error(key, "\(value.shown) is not a whole number in range")
        }
        return number
    }

    /// The token `key`, or `standard` where the key is absent or null; a list must name just one.
    package func token(_ key: String, _ standard: Int) throws(ConfigurationError) -> Int {
        switch value(key) {
        case nil, .null?: return standard
        case .list(let values)?:
            guard values.count == 1, let token = values[0].integer, token >= 0 else {
                throw error(key, "\(values.count) tokens, not one")
            }
            return token
        default: return try integer(key, standard)
        }
    }

    /// The positive number `key`, or `standard` where the key is absent.
    package func number(_ key: String, _ standard: Double) throws(ConfigurationError) -> Double {
        guard let value = value(key) else { return standard }
        guard case .number(let number) = value, number > 0, number.isFinite else {
            throw error(key, "\(value.shown) is not a positive number")
        }
        return number
    }

    /// The flag `key`, or `standard` where the key is absent; null is false where that is the standard.
    package func flag(_ key: String, _ standard: Bool) throws(ConfigurationError) -> Bool {
        guard let value = value(key) else { return standard }
        if value == .null, !standard { return false }
        guard case .flag(let flag) = value else { throw error(key, "\(value.shown) is not true or false") }
        return flag
    }

    /// Three numbers, or one for all three, or `standard` where the key is absent.
    package func numbers(_ key: String, _ standard: [Float]) throws(ConfigurationError) -> [Float] {
        let numbers: [Double]
        switch value(key) {
        case nil: return standard
        case .number(let number)?: numbers = [number, number, number]
        case .list(let values)?:
            // A value that is not a number must not vanish: [0.5, null, 0.5, 0.5] would be three numbers.
            guard values.count == 3 else { throw error(key, "\(values.count) values, not three numbers") }
            numbers = values.map { if case .number(let number) = $0 { number } else { .nan } }
        case let value?: throw error(key, "\(value.shown) is not three numbers")
        }
        guard numbers.allSatisfy(\.isFinite) else { throw error(key, "not three numbers") }
        return numbers.map(Float.init)
    }

    /// The activation function that `hidden_act` names.
    package func activation(_ standard: Activation) throws(ConfigurationError) -> Activation {
        guard let value = value("hidden_act") else { return standard }
        switch value {
        case .text("gelu"): return .gelu
        case .text("quick_gelu"): return .quickGELU
        default: throw error("hidden_act", "\(value.shown) is not gelu or quick_gelu")
        }
    }

    /// Requires `heads` to divide `width`.
    package func requireHeads(_ heads: Int, of width: Int) throws(ConfigurationError) {
        guard width % heads == 0 else {
            throw error("num_attention_heads", "\(heads) heads do not divide hidden_size \(width)")
        }
    }

    /// Refuses `key` with another value than those of `allowed`; an absent key has one of them.
    package func require(_ key: String, _ allowed: [ConfigurationValue]) throws(ConfigurationError) {
        guard let value = value(key), value != .null, !allowed.contains(value) else { return }
        let wanted = allowed.map(\.shown).joined(separator: " or ")
        throw error(key, "\(value.shown) is not supported, only \(wanted)")
    }

    /// Refuses what was not read, unless `harmless` knows that it changes nothing.
    package func finish(_ harmless: HarmlessKeys) throws(ConfigurationError) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) where !read.names.contains(key) {
            switch harmless.judge(key, value) {
            case nil: continue
            case .otherValue(let wanted): throw error(key, "\(value.shown) is not supported, only \(wanted)")
            case .unknown:
                throw error(key, "\(value.shown): unknown key; remove it if the model does not need it")
            }
        }
    }

    /// The error that `key` has a value that cannot be used.
    package func error(_ key: String, _ message: String) -> ConfigurationError {
        ConfigurationError(key: path + key, message: message)
    }
}
