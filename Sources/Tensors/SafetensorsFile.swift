import CTorch
import Files
import Foundation

/// A safetensors file, read by memory map.
package final class SafetensorsFile {
    /// The path that errors name.
    package let path: String
    private let header: SafetensorsHeader
    private let map: MappedFile

    /// Maps the file at `path` and checks its whole header; no tensor is read yet.
    package init(_ path: String) throws(SafetensorsError) {
        let map = try MappedFile(path)
        let memory = UnsafeRawBufferPointer(map.memory)
        let length = UInt64(littleEndian: memory.loadUnaligned(as: UInt64.self))
        guard length <= SafetensorsHeader.longestHeader else {
            throw SafetensorsError(.badHeader, path, Self.otherFormat(of: Array(memory.prefix(64))))
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= memory.count else {
            let text =
                "the header takes \(length) bytes, the file has \(memory.count - 8): it is cut short, fetch it again"
            throw SafetensorsError(.truncated, path, text)
        }
        let json = Data(memory[8..<dataStart])
        header = try SafetensorsHeader(json: json, file: path, dataStart: dataStart, fileSize: memory.count)
        self.path = path
        self.map = map
    }

    /// The names of the tensors, sorted.
    package var names: [String] { header.entries.keys.sorted() }

    /// Free texts of the file's writer.
    package var metadata: [String: String] { header.metadata }

    /// The sizes of the tensor `name`; nil when there is none.
    package func shape(of name: String) -> [Int]? { header.entries[name]?.shape }

    /// The tensor `name`, on the file's own memory where its place allows: reading it costs nothing until it is used.
    package func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = header.entries[name] else {
            throw SafetensorsError(.missingTensor, path, tensor: name, "not in this file")
        }
        guard let dtype = DType(safetensors: entry.type) else {
            let text = "elements of type \(entry.type) are not computed with; save the model in float32 or bfloat16"
            throw SafetensorsError(.badType, path, tensor: name, text)
        }
        do {
            return try view(entry, dtype)
        } catch {
            throw SafetensorsError(.unreadable, path, tensor: name, "\(error)")
        }
    }

    /// Gives back the memory of tensors that were read; those still in use are read from the file again when needed.
    ///
    /// For models just loaded, of which most tensors were copied; what was assigned to a tensor of this file is lost.
    package func releasePages() { map.releasePages() }

    /// What a file that begins with `bytes` is instead.
    private static func otherFormat(of bytes: [UInt8]) -> String {
        if GitLFSPointer.begins(bytes) { return GitLFSPointer.advice }
        if bytes.starts(with: "PK".utf8) || bytes.starts(with: [0x80]) {
            return "a file of Python's pickle format, whatever its name: save the model as safetensors"
        }
        if bytes.first == UInt8(ascii: "<") { return "a web page, not the weights: fetch the file again" }
        return "not a safetensors file: fetch it again"
    }

    private func view(_ entry: SafetensorsHeader.Entry, _ dtype: DType) throws(TorchError) -> Tensor {
        let sizes = entry.shape.map(Int64.init)
        let memory = map.memory.baseAddress.map { $0 + entry.bytes.lowerBound }
        guard entry.bytes.lowerBound % dtype.byteCount == 0, !entry.bytes.isEmpty else {
            return try make("tensor") { ct_from_bytes(memory, dtype.code, sizes, Int32(sizes.count), &$0) }
        }
        // The tensor keeps the map alive: it holds one more reference, which its end gives back.
        let reference = Unmanaged.passRetained(map)
        do throws(TorchError) {
            return try make("tensor") {
                ct_from_memory(
                    memory, dtype.code, sizes, Int32(sizes.count),
                    { context in
                        if let context { Unmanaged<MappedFile>.fromOpaque(context).release() }
                    }, reference.toOpaque(), &$0)
            }
        } catch {
            reference.release()
            throw error
        }
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
