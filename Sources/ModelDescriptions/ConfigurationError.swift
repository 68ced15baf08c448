/// A model configuration that cannot be used: which key, and what it would have to be.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The key, with those above it, such as `vision_config.patch_size`; empty for the whole file.
    package let key: String
    package let message: String

    package var description: String { key.isEmpty ? message : "\(key): \(message)" }
}
