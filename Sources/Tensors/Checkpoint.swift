/// The tensors of a model: one file, or shards with an index.
package struct Checkpoint {
    /// The files that hold tensors, sorted by path.
    package let files: [any TensorFile]
    private let places: [String: Place]

    /// Where a tensor is, and what it is called there.
    private struct Place {
        let file: any TensorFile
        let name: String
    }

    /// A checkpoint of one file.
    package init(file path: String) throws(CheckpointError) {
        let file = try openTensorFile(path)
        files = [file]
        places = Dictionary(uniqueKeysWithValues: file.names.map { ($0, Place(file: file, name: $0)) })
    }

    /// The checkpoint in `directory`, or the file of that path: see `CheckpointFiles` for the names that are looked for.
    package init(directory: String) throws(CheckpointError) {
        switch try CheckpointFiles(of: directory) {
        case .single(let path): try self.init(file: path)
        case .sharded(let index): try self.init(index: index, directory: directory)
        }
    }

    private init(index path: String, directory: String) throws(CheckpointError) {
        let map = try CheckpointFiles.weightMap(path)
        var (files, places): ([any TensorFile], [String: Place]) = ([], [:])
        for name in Set(map.values).sorted() {
            let file = try openTensorFile(CheckpointFiles.shard(name, of: path, directory))
            files.append(file)
            for tensor in file.names {
                if let other = places.updateValue(Place(file: file, name: tensor), forKey: tensor) {
                    throw CheckpointError(
                        .badHeader, file.path, tensor: tensor, "it is in \(other.file.path) too: fetch the model again")
                }
            }
        }
        for (tensor, name) in map.sorted(by: { $0.key < $1.key }) {
            let place = directory + "/" + name
            guard places[tensor]?.file.path == place else {
                throw CheckpointError(
                    .missingTensor, place, tensor: tensor,
                    "not in this shard, but the index says so; fetch the model again")
            }
        }
        (self.files, self.places) = (files, places)
    }

    private init(_ files: [any TensorFile], _ places: [String: Place]) { (self.files, self.places) = (files, places) }

    /// The same tensors by the names that `newName` gives them; those without a new name are left out.
    ///
    /// Two may not have one name.
    package func renamed(_ newName: (String) -> String?) -> Checkpoint {
        var renamed: [String: Place] = [:]
        for (name, place) in places {
            guard let new = newName(name) else { continue }
            precondition(renamed.updateValue(place, forKey: new) == nil, "two tensors became \(new)")
        }
        return Checkpoint(files, renamed)
    }

    /// The names of the tensors, sorted.
    package var names: [String] { places.keys.sorted() }

    /// The sizes of the tensor `name`; nil when there is none.
    package func shape(of name: String) -> [Int]? {
        places[name].flatMap { $0.file.shape(of: $0.name) }
    }

    /// The file that holds the tensor `name`, or would.
    package func file(of name: String) -> String { places[name]?.file.path ?? files.first?.path ?? "" }

    /// What the file calls the tensor `name`, which has another name here where it was renamed.
    package func storedName(of name: String) -> String { places[name]?.name ?? name }

    /// The tensor `name`, on the file's memory where its place allows.
    package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let place = places[name] else {
            throw CheckpointError(.missingTensor, file(of: name), tensor: name, "not in this checkpoint")
        }
        return try place.file.tensor(place.name)
    }

    /// Gives back the memory of tensors that were read, as `TensorFile.releasePages`.
    package func releasePages() {
        for file in files { file.releasePages() }
    }
}
