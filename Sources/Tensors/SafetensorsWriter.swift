import Files
import Foundation

/// Writes `tensors` to a safetensors file at `path`, whole or not at all: readers never see a part of it.
///
/// Wide elements first and names in order, as the reference writer does, so that every tensor is aligned and equal
/// tensors make equal bytes. Memory: one tensor at a time.
package func writeSafetensors(
    _ tensors: [String: Tensor], metadata: [String: String] = ["format": "pt"], to path: String
) throws {
    try writeSafetensors(
        tensors.map { name, tensor in
            PendingTensor(name: name, dtype: tensor.dtype, shape: tensor.shape) { try tensor.bytes() }
        }, metadata: metadata, to: path)
}

/// A tensor that is made when its turn to be written comes.
package struct PendingTensor {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    /// The elements' bytes in row order.
    package let bytes: () throws -> [UInt8]

    package init(name: String, dtype: DType, shape: [Int], bytes: @escaping () throws -> [UInt8]) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
    }

    var byteCount: Int { shape.reduce(dtype.byteCount, *) }
}

/// Writes tensors that are made one by one; otherwise as `writeSafetensors(_:metadata:to:)`.
package func writeSafetensors(
    _ tensors: [PendingTensor], metadata: [String: String] = ["format": "pt"], to path: String
) throws {
    let sorted = tensors.sorted { ($1.dtype.byteCount, $0.name) < ($0.dtype.byteCount, $1.name) }
    do {
        try writeFile(path) { file in
            try file.write(Array(header(sorted, metadata)))
            for tensor in sorted {
                let bytes = try tensor.bytes()
                precondition(bytes.count == tensor.byteCount, "\(tensor.name) has another size than announced")
                try file.write(bytes)
            }
        }
    } catch let error as FileError {
        throw CheckpointError(.unreadable, error.path, "\(error.step.rawValue): \(error.reason)")
    }
}

/// The length, then the JSON table, padded so that the tensors begin at a multiple of 8.
private func header(_ tensors: [PendingTensor], _ metadata: [String: String]) throws -> Data {
    struct Entry: Encodable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]  // swift-format-ignore: AlwaysUseLowerCamelCase
    }
    var offset = 0
    var entries: [String: Entry] = [:]
    for tensor in tensors {
        let end = offset + tensor.byteCount
        entries[tensor.name] = Entry(
            dtype: tensor.dtype.safetensorsName, shape: tensor.shape, data_offsets: [offset, end])
        offset = end
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var json = try encoder.encode(entries)
    if !metadata.isEmpty {
        let texts = try encoder.encode(metadata)
        json =
            Data("{\"__metadata__\":".utf8) + texts
            + (entries.isEmpty ? Data("}".utf8) : Data(",".utf8) + json.dropFirst())
    }
    json.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8))
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
}
