import Files
import Foundation

/// The most bytes of tensors in a shard, as the hub has them.
package let hubShardByteCount = 5_000_000_000

/// Writes `tensors` as the weights of the model in `folder`: one `model.safetensors`, or shards of at most `shardByteCount`
/// bytes of tensors with `model.safetensors.index.json`, as transformers reads them.
///
/// A tensor that is larger has a shard of its own. The order is that of `tensors`; memory: one tensor at a time. The name that
/// makes the weights complete comes last, so that a reader finds whole weights, old or new, or none; what is left of older ones
/// is removed.
///
/// Source: huggingface_hub `serialization/_base.py`, `split_state_dict_into_shards_factory`.
package func writeWeights(
    _ tensors: [PendingTensor], metadata: [String: String] = ["format": "pt"], to folder: String,
    shardByteCount: Int = hubShardByteCount
) throws {
    let shards = split(tensors, shardByteCount)
    let single = folder + "/model.safetensors"
    guard shards.count > 1 else {
        try writeSafetensors(tensors, metadata: metadata, to: single)
        return try removeShards(in: folder)
    }
    // Shards of older weights may have the same names.
    try removeShards(in: folder)
    var map: [String: String] = [:]
    for (number, shard) in shards.enumerated() {
        let name = shardName(number + 1, of: shards.count)
        try writeSafetensors(shard, metadata: metadata, to: folder + "/" + name)
        for tensor in shard { map[tensor.name] = name }
    }
    try writeIndex(map, tensors, to: folder)
    if FileManager.default.fileExists(atPath: single) { try FileManager.default.removeItem(atPath: single) }
}

/// As `writeWeights(_:metadata:to:shardByteCount:)`, in the order of the names.
package func writeWeights(_ tensors: [String: Tensor], to folder: String) throws {
    try writeWeights(
        tensors.sorted { $0.key < $1.key }.map { name, tensor in
            PendingTensor(name: name, dtype: tensor.dtype, shape: tensor.shape) { try tensor.bytes() }
        }, to: folder)
}

/// The tensors of each shard.
private func split(_ tensors: [PendingTensor], _ most: Int) -> [[PendingTensor]] {
    var (shards, byteCount): ([[PendingTensor]], Int) = ([[]], 0)
    for tensor in tensors {
        if byteCount + tensor.byteCount > most, !shards[shards.count - 1].isEmpty {
            shards.append([])
            byteCount = 0
        }
        shards[shards.count - 1].append(tensor)
        byteCount += tensor.byteCount
    }
    return shards
}

private func shardName(_ number: Int, of count: Int) -> String {
    func digits(_ number: Int) -> String { String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)" }
    return "model-\(digits(number))-of-\(digits(count)).safetensors"
}

private func writeIndex(_ map: [String: String], _ tensors: [PendingTensor], to folder: String) throws {
    struct Index: Encodable {
        let metadata: [String: Int]
        let weight_map: [String: String]  // swift-format-ignore: AlwaysUseLowerCamelCase
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let sizes = [
        "total_size": tensors.reduce(0) { $0 + $1.byteCount },
        "total_parameters": tensors.reduce(0) { $0 + $1.shape.reduce(1, *) },
    ]
    let path = folder + "/model.safetensors.index.json"
    do {
        try writeFile(encoder.encode(Index(metadata: sizes, weight_map: map)), to: path)
    } catch let error as FileError {
        throw CheckpointError(.unreadable, error.path, "\(error.step.rawValue): \(error.reason)")
    }
}

/// Removes the index and the shards of older weights in `folder`.
private func removeShards(in folder: String) throws {
    let files = FileManager.default
    let index = "model.safetensors.index.json"
    let names = try files.contentsOfDirectory(atPath: folder).sorted()
    // The index first: shards without it are no weights.
    for name in names.filter({ $0 == index })
        + names.filter({ $0.wholeMatch(of: /model-\d{5}-of-\d{5}\.safetensors/) != nil })
    {
        try files.removeItem(atPath: folder + "/" + name)
    }
}
