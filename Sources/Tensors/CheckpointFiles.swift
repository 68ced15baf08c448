import Files
import Foundation

/// Where a model's weights are, found as transformers finds them: safetensors before PyTorch's own format, one file before
/// shards.
///
/// A folder without any of the hub's names may hold one `.pth`, as LAVIS's checkpoints are given out.
enum CheckpointFiles {
    case single(String)
    /// The path of the index.
    case sharded(String)

    static let single = ["model.safetensors", "pytorch_model.bin"]

    /// Where the weights in `directory` are, which may also be a file of them.
    init(of directory: String) throws(CheckpointError) {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        if files.fileExists(atPath: directory, isDirectory: &isFolder), !isFolder.boolValue {
            self = .single(directory)
            return
        }
        for name in Self.single {
            if files.fileExists(atPath: "\(directory)/\(name)") {
                self = .single("\(directory)/\(name)")
                return
            }
            let index = "\(directory)/\(name).index.json"
            if files.fileExists(atPath: index) {
                self = .sharded(index)
                return
            }
        }
        // A folder that cannot be listed has nothing to say beyond that.
        let names = ((try? files.contentsOfDirectory(atPath: directory)) ?? []).sorted()
        let pickled = names.filter { $0.hasSuffix(".pth") }
        guard pickled.count == 1 else {
            throw CheckpointError(.unreadable, directory + "/model.safetensors", Self.missing(names, pickled))
        }
        self = .single("\(directory)/\(pickled[0])")
    }

    /// What a folder of files `names` without the usual ones has instead.
    private static func missing(_ names: [String], _ pickled: [String]) -> String {
        let missing = "no such file, and no model.safetensors.index.json or pytorch_model.bin beside it"
        if pickled.count > 1 {
            return missing + "; \(pickled.count) files end in .pth, \(pickled[0]) and others: give the path of one"
        }
        if let shard = names.first(where: { $0.wholeMatch(of: /.*-\d+-of-\d+\.(safetensors|bin)/) != nil }) {
            return missing + "; \(shard) is a shard, and needs the index: fetch it too"
        }
        if let other = names.first(where: { $0.hasSuffix(".safetensors") }) {
            return missing + "; \(other) would have to be called model.safetensors"
        }
        if let other = names.first(where: { name in [".bin", ".pt", ".ckpt"].contains(where: name.hasSuffix) }) {
            return missing + "; if \(other) holds the weights, it would have to be called pytorch_model.bin"
        }
        let found = names.first { name in [".h5", ".msgpack"].contains(where: name.hasSuffix) }
        guard let other = found else { return missing }
        return missing + "; \(other) is not read: load the model with transformers and save it with save_pretrained,"
            + " which writes safetensors"
    }

    /// The tensors of the index at `path`, and the shard that each is in.
    static func weightMap(_ path: String) throws(CheckpointError) -> [String: String] {
        struct Index: Decodable {
            let weight_map: [String: String]  // swift-format-ignore: AlwaysUseLowerCamelCase
        }
        let map: [String: String]
        do {
            map = try JSONDecoder().decode(Index.self, from: Data(contentsOf: URL(fileURLWithPath: path))).weight_map
        } catch {
            throw CheckpointError(
                .badHeader, path, "not an index: it needs an object weight_map of tensor and file names")
        }
        guard !map.isEmpty else { throw CheckpointError(.badHeader, path, "an index without any tensor") }
        return map
    }

    /// The path of the shard `name`, which the index at `path` names.
    static func shard(_ name: String, of path: String, _ directory: String) throws(CheckpointError) -> String {
        let isShard = [".safetensors", ".bin"].contains(where: name.hasSuffix)
        guard !name.contains("/"), !name.contains("\0"), isShard else {
            throw CheckpointError(.badHeader, path, "\(name) is not the name of a shard beside the index")
        }
        let shard = directory + "/" + name
        guard FileManager.default.fileExists(atPath: shard) else {
            let index = URL(fileURLWithPath: path).lastPathComponent
            throw CheckpointError(.unreadable, shard, "no such file, but \(index) names it; fetch the model again")
        }
        return shard
    }
}
