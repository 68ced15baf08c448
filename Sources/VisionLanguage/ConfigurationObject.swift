import Foundation
import Tensors

/// A JSON object of a model's configuration, read key by key.
struct ConfigurationObject {
    private let values: [String: Any]
    private let path: String

    init(json: Data) throws(ConfigurationError) {
        // Foundation's own message says where in the bytes; that the file is not JSON is what a person needs.
        guard let values = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] else {
            throw ConfigurationError(key: "", message: "not a JSON object")
        }
        self.init(values: values, path: "")
    }

    private init(values: [String: Any], path: String) {
        self.values = values
        self.path = path
    }

    /// Refuses a configuration of another kind of model than `type`; one that names no kind is taken.
    func requireModel(_ type: String) throws(ConfigurationError) {
        guard let value = values["model_type"] as? String, value != type else { return }
        throw error("model_type", "\(value), but a model of type \(type) is needed here")
    }

    /// The object `key`, with the values of `key_dict` over it, where old transformers wrote what is no default.
    func object(_ key: String) throws(ConfigurationError) -> ConfigurationObject {
        var merged: [String: Any] = [:]
        for name in [key, key + "_dict"] {
            guard let value = values[name], !(value is NSNull) else { continue }
            guard let object = value as? [String: Any] else { throw error(name, "not an object") }
            merged.merge(object) { _, new in new }
        }
        return ConfigurationObject(values: merged, path: path + key + ".")
    }

    /// The positive whole number `key`, or `standard` where the key is absent.
    func size(_ key: String, _ standard: Int) throws(ConfigurationError) -> Int {
        let value = try integer(key, standard)
        guard value > 0 else { throw error(key, "\(value) is not positive") }
        return value
    }

    /// The whole number `key`, not negative, or `standard` where the key is absent.
    func integer(_ key: String, _ standard: Int) throws(ConfigurationError) -> Int {
        guard let value = values[key], !(value is NSNull) else { return standard }
        guard let number = value as? Int, number >= 0, number < 1 << 31 else {
            throw error(key, "\(value) is not a whole number that makes sense here")
        }
        return number
    }

    /// The positive number `key`, or `standard` where the key is absent.
    func number(_ key: String, _ standard: Double) throws(ConfigurationError) -> Double {
        guard let value = values[key], !(value is NSNull) else { return standard }
        guard let number = value as? Double, number > 0, number.isFinite else {
            throw error(key, "\(value) is not a positive number")
        }
        return number
    }

    /// Three numbers, not zero, or `standard` where the key is absent.
    func numbers(_ key: String, _ standard: [Float]) throws(ConfigurationError) -> [Float] {
        guard let value = values[key], !(value is NSNull) else { return standard }
        guard let numbers = value as? [Double], numbers.count == 3, numbers.allSatisfy({ $0 != 0 && $0.isFinite })
        else {
            throw error(key, "not three numbers")
        }
        return numbers.map(Float.init)
    }

    /// The sides of an image in pixels: a number, or an object of numbers such as `height` and `width`.
    func sides(_ key: String) throws(ConfigurationError) -> [Int] {
        guard let value = values[key], !(value is NSNull) else { return [] }
        if value is Int { return [try integer(key, 0)] }
        let sizes = try object(key)
        return try sizes.values.keys.sorted().map { key throws(ConfigurationError) in try sizes.integer(key, 0) }
    }

    /// The activation function that `hidden_act` names.
    func activation(_ standard: Activation) throws(ConfigurationError) -> Activation {
        guard let value = values["hidden_act"], !(value is NSNull) else { return standard }
        switch value as? String {
        case "gelu": return .gelu
        case "quick_gelu": return .quickGELU
        default: throw error("hidden_act", "\(value) is not gelu or quick_gelu")
        }
    }

    /// Requires `heads` to divide `width`.
    func requireHeads(_ heads: Int, of width: Int) throws(ConfigurationError) {
        guard width % heads == 0 else {
            throw error("num_attention_heads", "\(heads) heads do not divide hidden_size \(width)")
        }
    }

    func error(_ key: String, _ message: String) -> ConfigurationError {
        ConfigurationError(key: path + key, message: message)
    }
}
