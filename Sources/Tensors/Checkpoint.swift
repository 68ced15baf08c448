import Foundation

/// The tensors of a model directory: one `model.safetensors`, or shards with an index.
package struct Checkpoint {
    /// The files that hold tensors, sorted by path.
    package let files: [SafetensorsFile]
    private let owner: [String: SafetensorsFile]

    /// A checkpoint of one file.
    package init(file path: String) throws(SafetensorsError) {
        let file = try SafetensorsFile(path)
        files = [file]
        owner = Dictionary(uniqueKeysWithValues: file.names.map { ($0, file) })
    }

    /// The checkpoint in `directory`: `model.safetensors`, else what `model.safetensors.index.json` names.
    package init(directory: String) throws(SafetensorsError) {
        let single = directory + "/model.safetensors"
        let index = directory + "/model.safetensors.index.json"
        if FileManager.default.fileExists(atPath: single) {
            try self.init(file: single)
        } else if FileManager.default.fileExists(atPath: index) {
            try self.init(index: index, directory: directory)
        } else {
            throw SafetensorsError(.unreadable, single, Self.missing(in: directory))
        }
    }

    /// What a folder without the usual files has instead.
    private static func missing(in directory: String) -> String {
        let missing = "no such file, and no model.safetensors.index.json beside it"
        // A folder that cannot be listed has nothing to say beyond that.
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
        if let other = names.first(where: { $0.hasSuffix(".safetensors") }) {
            return missing + "; \(other) would have to be called model.safetensors"
        }
        let pickled = [".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack"]
        let found = names.first { name in pickled.contains(where: name.hasSuffix) }
        guard let other = found else { return missing }
        return missing + "; \(other) is not read: load the model with transformers and save it with save_pretrained,"
            + " which writes safetensors"
    }

    private init(index path: String, directory: String) throws(SafetensorsError) {
        let map = try Self.weightMap(path)
        var opened: [String: SafetensorsFile] = [:]
        for name in Set(map.values).sorted() {
            guard !name.contains("/"), name.hasSuffix(".safetensors") else {
                throw SafetensorsError(.badHeader, path, "\(name) is not the name of a shard beside the index")
            }
            guard FileManager.default.fileExists(atPath: directory + "/" + name) else {
                let text = "no such file, but model.safetensors.index.json names it; fetch the model again"
                throw SafetensorsError(.unreadable, directory + "/" + name, text)
            }
            opened[name] = try SafetensorsFile(directory + "/" + name)
        }
        var owner: [String: SafetensorsFile] = [:]
        for (tensor, name) in map.sorted(by: { $0.key < $1.key }) {
            guard let file = opened[name], file.shape(of: tensor) != nil else {
                throw SafetensorsError(
                    .missingTensor, directory + "/" + name, tensor: tensor, "the index says it is here")
            }
            owner[tensor] = file
        }
        self.owner = owner
        files = opened.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func weightMap(_ path: String) throws(SafetensorsError) -> [String: String] {
        struct Index: Decodable {
            let weight_map: [String: String]  // swift-format-ignore: AlwaysUseLowerCamelCase
        }
        do {
            return try JSONDecoder().decode(Index.self, from: Data(contentsOf: URL(fileURLWithPath: path))).weight_map
        } catch {
            throw SafetensorsError(
                .badHeader, path, "not an index: it needs an object weight_map of tensor and file names")
        }
    }

    /// The names of the tensors, sorted.
    package var names: [String] { owner.keys.sorted() }

    /// The sizes of the tensor `name`; nil when there is none.
    package func shape(of name: String) -> [Int]? { owner[name]?.shape(of: name) }

    /// The file that holds the tensor `name`, or would.
    package func file(of name: String) -> String { owner[name]?.path ?? files.first?.path ?? "" }

    /// The tensor `name`, on the file's memory where its place allows.
    package func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let file = owner[name] else {
            throw SafetensorsError(.missingTensor, file(of: name), tensor: name, "not in this checkpoint")
        }
        return try file.tensor(name)
    }

    /// Gives back the memory of tensors that were read, as `SafetensorsFile.releasePages`.
    package func releasePages() {
        for file in files { file.releasePages() }
    }
}
