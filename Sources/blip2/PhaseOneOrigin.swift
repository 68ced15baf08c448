import BLIP2Models
import Commands
import Foundation
import Layers
import ModelDescriptions
import ModelFolders
import Tensors
import VisionLanguage

/// What `start.from` names: the model that a training starts from.
struct PhaseOneOrigin {
    enum Kind {
        /// A BERT, as in the paper.
        case bert
        /// A phase-1 model in the hub's layout.
        case model
        /// A file of LAVIS's, which comes without a description and a vocabulary.
        case lavis
    }

    let folder: ModelDirectory
    let kind: Kind

    /// The model `name`, the value of `key`: a folder or hub id, a `.pth` file, or a folder with one.
    init(_ name: String, key: String = "start.from") throws {
        if let path = Self.lavis(name) {
            (folder, kind) = (ModelDirectory(undescribed: path), .lavis)
            return
        }
        folder = try ModelDirectory(requireModel(name, key: key))
        let type = try folder.configuration("config.json") { json throws(ConfigurationError) in
            try ConfigurationObject(json: json).value("model_type")
        }
        switch type {
        case .text("bert"): kind = .bert
        case .text("blip-2"): kind = .model
        default:
            throw CommandError(
                .badInput,
                "\(key): \(folder.path): want a model of type bert or blip-2, or scratch, not \(type?.shown ?? "none")"
            )
        }
    }

    /// The folder whose tokenizer belongs to it.
    func tokenizerFolder() throws -> String {
        guard kind == .lavis, !FileManager.default.fileExists(atPath: folder.path + "/vocab.txt") else {
            return folder.path
        }
        throw CommandError(
            .badInput,
            "start.tokenizer: add it: \(folder.path) comes without a vocabulary; LAVIS's is that of bert-base-uncased")
    }

    /// The sizes of the phase-1 model behind `encoder`.
    func configuration(behind encoder: ImageEncoderConfiguration) throws(ModelError) -> BLIP2Configuration {
        guard kind == .lavis else { return try folder.configuration("config.json", BLIP2Configuration.init(json:)) }
        return try folder.load { checkpoint throws(WeightsError) in
            try BLIP2Configuration(lavis: checkpoint, encoder: encoder)
        }
    }

    /// The path of LAVIS's weights, or of the folder that holds them, that `name` leads to; nil where it leads to none.
    private static func lavis(_ name: String) -> String? {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: name, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else { return name }
        guard !files.fileExists(atPath: name + "/config.json") else { return nil }
        let names = (try? files.contentsOfDirectory(atPath: name)) ?? []  // which says that there are none
        return names.contains { $0.hasSuffix(".pth") } ? name : nil
    }
}
