import BLIP2Models
import Commands
import Digests
import Foundation
import Images
import Layers
import Manifests
import ModelDescriptions
import ModelFolders
import Samples
import Tensors
import VisionLanguage

/// The image encoder that the settings of a run name, for the images that they say.
struct RunEncoder {
    let folder: ModelDirectory
    let configuration: ImageEncoderConfiguration
    private let normalization: Normalization

    /// Without `images.size` images have `side` pixels, or the encoder's own.
    init(_ settings: RunSettings, side: Int? = nil) throws {
        folder = try ModelDirectory(requireModel(settings.imageEncoder.model, key: "image_encoder.model"))
        let own = try folder.configuration("config.json", ImageEncoderConfiguration.init(json:))
        let (ownSide, patch) = (own.vision.imageSide, own.vision.patchSide)
        let side = settings.images.size ?? side ?? ownSide
        guard side % patch == 0 else {
            throw CommandError(
                .badInput,
                "images.size: want a multiple of the image encoder's patches of \(patch) pixels, not \(side)")
        }
        // A BLIP-2's images are squashed, whichever of the encoders it has.
        let isCLIP = try folder.configuration("config.json") { json throws(ConfigurationError) in
            try ConfigurationObject(json: json).value("model_type") == .text("clip")
        }
        normalization = try folder.normalization(
            of: isCLIP ? .shortestSideCropped(side: ownSide) : .squashed(side: ownSide))
        configuration = own.with(imageSide: side)
    }

    /// The side in pixels of the squares that it sees.
    var side: Int { configuration.vision.imageSide }

    /// Its tensors by the hub's names, float32, with the table of positions for the run's images: what is trained.
    func tensors() throws -> [PendingTensor] {
        try folder.load { checkpoint throws(WeightsError) in
            try configuration.hubTensors(of: checkpoint, as: .float32)
        }
    }

    /// What a start's recipe says of it: its description.
    var recipe: String {
        get throws { digest(of: String(decoding: try folder.contents(of: "config.json"), as: UTF8.self)).hex }
    }

    /// Refuses a Q-Former in `model` that was made for another encoder's states.
    func require(_ qformer: QFormerConfiguration, _ model: ModelDirectory) throws {
        guard qformer.imageWidth != configuration.vision.width else { return }
        throw CommandError(
            .badInput,
            "start.from: \(model.path): made for an image encoder of width \(qformer.imageWidth), not "
                + "\(configuration.vision.width)")
    }

    /// `preprocessor_config.json`: BLIP's image processor for this encoder, squares of its side, its numbers.
    func preprocessor() throws -> Data {
        // The shortest decimals of the float32 numbers, not those of the doubles next to them.
        func decimals(_ numbers: [Float]) -> [Double] { numbers.map { Double("\($0)") ?? Double($0) } }
        let values: [String: Any] = [
            "image_processor_type": "BlipImageProcessor", "do_convert_rgb": true, "do_resize": true, "resample": 3,
            "size": ["height": side, "width": side], "do_rescale": true, "rescale_factor": normalization.factor,
            "do_normalize": true, "image_mean": decimals(normalization.mean),
            "image_std": decimals(normalization.deviation),
        ]
        return try JSONSerialization.data(
            withJSONObject: values, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }
}
