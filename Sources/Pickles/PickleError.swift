/// Why a file of PyTorch's is not read.
package struct PickleError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// The file ends before what it says it holds.
        case truncated
        /// The archive's directory does not agree with the archive, or is of a kind that is not read.
        case badArchive
        /// The pickle is no sequence of the instructions that describe tensors.
        case badPickle
        /// The pickle asks for something other than tensors and plain values.
        case refused
        /// More than any checkpoint needs.
        case tooLarge
        /// A tensor does not lie within its storage, or its elements overlap.
        case badTensor
    }

    package let code: Code
    /// The tensor's name, where the fault is in one.
    package let tensor: String?
    package let message: String

    init(_ code: Code, tensor: String? = nil, _ message: String) {
        (self.code, self.tensor, self.message) = (code, tensor, message)
    }

    static let program = PickleError(
        .refused, "a TorchScript program, not a checkpoint: load it with torch.jit.load and save its state_dict")

    package var description: String { "\(code.rawValue): \(tensor.map { "\($0): " } ?? "")\(message)" }
}
