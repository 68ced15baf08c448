package import Samples

/// Why bytes did not become a picture, or a picture did not become bytes.
package struct ImageError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault; the raw value is a metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// No magic bytes of a format that is read here.
        case notAnImage = "not_an_image"
        /// Truncated or corrupt: pixels are missing or cannot be trusted.
        case damaged
        /// A kind of its format that is not decoded, such as 12-bit JPEG, or not encoded, such as a side too long.
        case unsupported
        /// The header claims more pixels than allowed, or a side of over 65,535.
        case tooManyPixels = "too_many_pixels"
        /// The codec got no memory.
        case outOfMemory = "out_of_memory"
    }

    /// The class of the fault.
    package let code: Code
    /// Free text for a person; never a metric label.
    package let message: String

    /// A fault of class `code`.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and text.
    package var description: String { "\(code.rawValue): \(message)" }

    /// Why the image is left out; nil where it is not to blame: without memory, the next try may find some.
    package var rejection: Rejection? {
        switch code {
        case .notAnImage: Rejection(.notAnImage, message)
        case .damaged, .unsupported: Rejection(.decodeError, message)
        case .tooManyPixels: Rejection(.tooManyPixels, message)
        case .outOfMemory: nil
        }
    }
}
