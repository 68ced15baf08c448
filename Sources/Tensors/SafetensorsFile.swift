import Files
import Foundation

/// A safetensors file, read by memory map.
package final class SafetensorsFile: TensorFile {
    package let path: String
    private let header: SafetensorsHeader
    private let map: MappedFile

    /// Maps the file at `path` and checks its whole header; no tensor is read yet.
    package init(_ path: String) throws(CheckpointError) {
        let map = try MappedFile(path)
        let memory = UnsafeRawBufferPointer(map.memory)
        let length = UInt64(littleEndian: memory.loadUnaligned(as: UInt64.self))
        guard length <= SafetensorsHeader.longestHeader else {
            throw CheckpointError(.badHeader, path, Self.otherFormat(of: Array(memory.prefix(64))))
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= memory.count else {
            let text =
                "the header takes \(length) bytes, the file has \(memory.count - 8): it is cut short, fetch it again"
            throw CheckpointError(.truncated, path, text)
        }
        let json = Data(memory[8..<dataStart])
        header = try SafetensorsHeader(json: json, file: path, dataStart: dataStart, fileSize: memory.count)
        self.path = path
        self.map = map
    }

    package var names: [String] { header.entries.keys.sorted() }

    /// Free texts of the file's writer.
    package var metadata: [String: String] { header.metadata }

    package func shape(of name: String) -> [Int]? { header.entries[name]?.shape }

    package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let entry = header.entries[name] else {
            throw CheckpointError(.missingTensor, path, tensor: name, "not in this file")
        }
        guard let dtype = DType(safetensors: entry.type) else {
            let text = "elements of type \(entry.type) are not computed with; save the model in float32 or bfloat16"
            throw CheckpointError(.badType, path, tensor: name, text)
        }
        do {
            return try map.tensor(in: entry.bytes, dtype, shape: entry.shape)
        } catch {
            throw CheckpointError(.unreadable, path, tensor: name, "\(error)")
        }
    }

    package func releasePages() { map.releasePages() }

    /// What a file that begins with `bytes` is instead.
    private static func otherFormat(of bytes: [UInt8]) -> String {
        if GitLFSPointer.begins(bytes) { return GitLFSPointer.advice }
        if bytes.starts(with: "PK".utf8) || bytes.starts(with: [0x80]) {
            return "a file of PyTorch's, whatever its name: give it a name that ends in .bin or .pth"
        }
        if bytes.first == UInt8(ascii: "<") { return "a web page, not the weights: fetch the file again" }
        return "not a safetensors file: fetch it again"
    }
}

extension DType {
    /// The type that the format calls `name`.
    init?(safetensors name: String) {
        guard let dtype = Self.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
        // No model here has weights of these types: such a file is not what it is taken for.
        guard dtype != .float64, dtype != .bool else { return nil }
        self = dtype
    }

    /// What the format calls this type.
    var safetensorsName: String {
        switch self {
        case .float32: "F32"
        case .bfloat16: "BF16"
        case .float16: "F16"
        case .int64: "I64"
        case .uint8: "U8"
        case .float64: "F64"
        case .bool: "BOOL"
        }
    }
}
