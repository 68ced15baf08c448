/// A checkpoint file that cannot be read or written: which file, which tensor in it, and what is wrong.
package struct CheckpointError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// The file or folder cannot be opened, read or written.
        case unreadable
        /// The file is shorter than its header says.
        case truncated
        /// The table of contents is larger than any checkpoint's, or is not what the format asks for.
        case badHeader
        /// A tensor has an element type that is unknown, or that is not computed with here.
        case badType
        /// A tensor's shape does not agree with its bytes.
        case badShape
        /// A tensor's bytes overlap another's, leave a gap or lie outside the file.
        case badOffsets
        /// The file asks for something other than tensors.
        case refused
        /// The tensor that is asked for is not there.
        case missingTensor
    }

    package let code: Code
    package let file: String
    /// The tensor's name, where the fault is in one.
    package let tensor: String?
    package let message: String

    init(_ code: Code, _ file: String, tensor: String? = nil, _ message: String) {
        self.code = code
        self.file = file
        self.tensor = tensor
        self.message = message
    }

    package var description: String { "\(file): \(code.rawValue): \(tensor.map { "\($0): " } ?? "")\(message)" }
}
