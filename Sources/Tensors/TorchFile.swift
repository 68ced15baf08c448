import Files
import Pickles

/// A file that `torch.save` wrote, such as the hub's `.bin` and LAVIS's `.pth`, read by memory map; no code of it is run.
package final class TorchFile: TensorFile {
    package let path: String
    private let places: [String: PickledTensors.Place]
    private let map: MappedFile

    /// Maps the file at `path` and reads what it says of its tensors; none is read yet.
    package init(_ path: String) throws(CheckpointError) {
        let map = try MappedFile(path)
        if let other = Self.otherFormat(map.bytes(0..<min(64, map.memory.count))) {
            throw CheckpointError(.badHeader, path, other)
        }
        do {
            // The reader is gone when this returns; it takes copies of what it reads.
            places = try PickledTensors(byteCount: map.memory.count, read: map.bytes).places
        } catch {
            throw CheckpointError(Self.code(error.code), path, tensor: error.tensor, error.message)
        }
        self.path = path
        self.map = map
    }

    package var names: [String] { places.keys.sorted() }

    package func shape(of name: String) -> [Int]? { places[name]?.tensor.shape }

    package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let place = places[name] else {
            throw CheckpointError(.missingTensor, path, tensor: name, "not in this file")
        }
        guard let dtype = DType(pickled: place.tensor.type) else {
            let text =
                "elements of type \(place.tensor.type) are not computed with; save the model in float32 or bfloat16"
            throw CheckpointError(.badType, path, tensor: name, text)
        }
        do {
            let (tensor, bytes) = (place.tensor, place.bytes)
            guard tensor.isContiguous else {
                return try map.tensor(in: bytes, dtype, shape: tensor.shape, strides: tensor.strides)
            }
            return try map.tensor(in: bytes, dtype, shape: tensor.shape)
        } catch {
            throw CheckpointError(.unreadable, path, tensor: name, "\(error)")
        }
    }

    package func releasePages() { map.releasePages() }

    /// What a file that begins with `bytes` is instead; nil for a zip archive.
    private static func otherFormat(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: "PK".utf8) { return nil }
        if GitLFSPointer.begins(bytes) { return GitLFSPointer.advice }
        if bytes.first == UInt8(ascii: "<") { return "a web page, not the weights: fetch the file again" }
        if bytes.first == 0x80 {
            return "PyTorch's format from before 1.6, which is not read: save it again with a current PyTorch, "
                + "torch.save(torch.load(PATH, map_location=\"cpu\", weights_only=True), PATH)"
        }
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{") {
            return "safetensors, whatever its name: give it a name that ends in .safetensors"
        }
        return "not a file of torch.save: fetch it again"
    }

    private static func code(_ code: PickleError.Code) -> CheckpointError.Code {
        switch code {
        case .truncated: .truncated
        case .badArchive, .badPickle, .tooLarge: .badHeader
        case .refused: .refused
        case .badTensor: .badShape
        }
    }
}

extension DType {
    /// The type of a storage's elements; nil where nothing here computes with it.
    init?(pickled type: PickledType) {
        switch type {
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int64: self = .int64
        case .uint8: self = .uint8
        case .float64, .int32, .int16, .int8, .bool: return nil
        }
    }
}
