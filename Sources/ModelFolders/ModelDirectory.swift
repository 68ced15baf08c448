import Files
package import Foundation
package import Images
package import Layers
package import ModelDescriptions
package import Tensors
package import VisionLanguage

/// A folder with a model in the layout of the model hub: `config.json`, safetensors, tokenizer and preprocessor files.
package struct ModelDirectory: Sendable {
    package let path: String

    /// The model in the folder `path`, which must hold a `config.json`.
    package init(_ path: String) throws(ModelError) {
        self.path = path
        guard FileManager.default.fileExists(atPath: path + "/config.json") else {
            let message = "no such file: a model is a folder with config.json, model.safetensors and tokenizer files"
            throw ModelError(.missingFile, path + "/config.json", message)
        }
    }

    /// The folder `path`, which may have no `config.json`, or a file of weights alone.
    package init(undescribed path: String) { self.path = path }

    /// The bytes of the file `name`.
    package func contents(of name: String) throws(ModelError) -> Data {
        let contents: Data
        do {
            contents = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
        } catch {
            throw ModelError(.missingFile, path + "/" + name, "cannot be read")
        }
        guard !GitLFSPointer.begins(contents) else {
            throw ModelError(.missingFile, path + "/" + name, GitLFSPointer.advice)
        }
        return contents
    }

    /// What `read` makes of the file `name`.
    package func configuration<Value>(
        _ name: String, _ read: (Data) throws(ConfigurationError) -> Value
    ) throws(ModelError) -> Value {
        let json = try contents(of: name)
        do {
            return try read(json)
        } catch {
            throw unusable(name, error)
        }
    }

    /// The error that the file `name` describes something that cannot be used.
    package func unusable(_ name: String, _ error: ConfigurationError) -> ModelError {
        ModelError(.badConfiguration, path + "/" + name, error.description)
    }

    /// How pixels are normalized: as the image processor says, which must make the `view` of the model's configuration;
    /// CLIP's numbers where there is none.
    ///
    /// `processor_config.json` comes before `preprocessor_config.json`, as in transformers.
    package func normalization(of view: ImageView) throws(ModelError) -> Normalization {
        for (name, isNested) in [("processor_config.json", true), ("preprocessor_config.json", false)]
        where holds(name) {
            let found = try configuration(name) { json throws(ConfigurationError) in
                try Normalization(json: json, isNested: isNested, view)
            }
            if let found { return found }
        }
        return .clip
    }

    /// Refuses a `generation_config.json` that asks for what is not done here.
    package func checkGeneration() throws(ModelError) {
        guard holds("generation_config.json") else { return }
        try configuration("generation_config.json", VisionLanguage.checkGeneration(json:))
    }

    private func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

    /// The model that `build` makes of the checkpoint's weights.
    package func load<Model>(_ build: (Checkpoint) throws(WeightsError) -> Model) throws(ModelError) -> Model {
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(directory: path)
        } catch {
            let subject = error.tensor.map { "\($0): " } ?? ""
            throw ModelError(
                error.code == .unreadable ? .missingFile : .badWeights, error.file, subject + error.message)
        }
        do {
            // Most weights were converted or packed: the copies are what is used.
            defer {
                checkpoint.releasePages()
                returnFreedMemory()
            }
            return try build(checkpoint)
        } catch {
            throw ModelError(.badWeights, error.file.isEmpty ? path : error.file, "\(error.key): \(error.message)")
        }
    }

    /// The model that `build` makes of the checkpoint's weights to train it on `device`, and its parameters.
    package func trained<Model>(
        on device: Device, _ build: (Weights) throws(WeightsError) -> Model
    ) throws(ModelError) -> (model: Model, parameters: Parameters) {
        try load { checkpoint throws(WeightsError) in
            let weights = Weights(training: checkpoint, on: device)
            return (try build(weights), weights.parameters)
        }
    }

    /// The tokenizer that `build` makes of the folder.
    package func tokenizer<Tokenizer>(_ build: (String) throws -> Tokenizer) throws(ModelError) -> Tokenizer {
        do {
            return try build(path)
        } catch {
            throw ModelError(.badTokenizer, path, "\(error)")
        }
    }
}

extension ModelDirectory {
    /// Copies configuration and tokenizer to the folder `path`, for weights of `dtype` that were made from this model's.
    ///
    /// What the configuration says of other weights goes: their type, and the notice that they mean nothing.
    package func copyDescription(to path: String, dtype: DType) throws {
        let files = FileManager.default
        var configuration = try configuration("config.json", ObjectText.init(json:))
        for key in ["_notice", "torch_dtype", "dtype"] { configuration[key] = nil }
        configuration["dtype"] = ObjectText.quoted(dtype.rawValue)
        try writeFile(configuration.data, to: path + "/config.json")
        for name in try files.contentsOfDirectory(atPath: self.path) where Self.describing.contains(name) {
            try writeFile(contents(of: name), to: path + "/" + name)
        }
    }

    /// Copies the tokenizer's files to the folder `path`.
    package func copyTokenizer(to path: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: self.path)
        where Self.tokenizing.contains(name) {
            try writeFile(contents(of: name), to: path + "/" + name)
        }
    }

    private static let tokenizing: Set = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
        "vocab.json", "merges.txt", "spiece.model",
    ]

    /// The files of the hub's layout beside configuration and weights.
    private static let describing: Set = [
        "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model",
        "generation_config.json",
    ]
}
