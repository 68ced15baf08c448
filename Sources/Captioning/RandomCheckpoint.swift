import Decoding
import Files
import Foundation
import Layers
import Samples
import Tensors
package import TextTokenizers
import VisionLanguage

/// Writes small checkpoints of random weights in the model hub's layout, tokenizer included.
///
/// They are for trying the pipeline out without any download: captions are made of real words, and mean nothing.
package enum RandomCheckpoint {
    /// The sizes of a model's two transformers.
    package struct Size: Sendable {
        package var visionWidth: Int
        package var visionLayers: Int
        package var visionHeads: Int
        package var imageSide: Int
        package var patchSide: Int
        package var textWidth: Int
        package var textLayers: Int
        package var textHeads: Int
        /// The longest text in tokens.
        package var textPositions: Int? = nil
        /// The least number of tokens; a vocabulary of words that needs more has more.
        package var vocabulary: Int

        /// A captioner that fits in a few megabytes.
        package static let smallBLIP = Size(
            visionWidth: 64, visionLayers: 2, visionHeads: 4, imageSide: 96, patchSide: 16, textWidth: 64,
            textLayers: 2, textHeads: 4, vocabulary: 0)
        /// A ranker that fits in a few megabytes.
        package static let smallCLIP = Size(
            visionWidth: 64, visionLayers: 2, visionHeads: 4, imageSide: 64, patchSide: 16, textWidth: 64,
            textLayers: 2, textHeads: 4, vocabulary: 0)
        /// The sizes of `Salesforce/blip-image-captioning-large`.
        package static let releasedBLIP = Size(
            visionWidth: 1024, visionLayers: 24, visionHeads: 16, imageSide: 384, patchSide: 16, textWidth: 768,
            textLayers: 12, textHeads: 12, vocabulary: 30524)
        /// The sizes of `openai/clip-vit-large-patch14`.
        package static let releasedCLIP = Size(
            visionWidth: 1024, visionLayers: 24, visionHeads: 16, imageSide: 224, patchSide: 14, textWidth: 768,
            textLayers: 12, textHeads: 12, vocabulary: 49408)
    }

    /// Writes a captioner of `size` into the folder `directory`, which is made where it is missing.
    ///
    /// With a `vocabulary` it is one to train; without, its captions are likely to be made of ordinary words.
    package static func writeBLIP(
        _ size: Size = .smallBLIP, vocabulary learned: WordPieceVocabulary? = nil, to directory: String, seed: UInt64
    ) throws {
        let vocabulary = learned ?? RandomVocabulary.wordPieces(atLeast: size.vocabulary)
        let count = vocabulary.tokens.count
        let text: [String: Any] = [
            "vocab_size": count, "hidden_size": size.textWidth, "intermediate_size": 4 * size.textWidth,
            "num_hidden_layers": size.textLayers, "num_attention_heads": size.textHeads,
            "encoder_hidden_size": size.visionWidth, "max_position_embeddings": size.textPositions ?? 512,
            "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0, "bos_token_id": count - 2,
            "sep_token_id": 3, "eos_token_id": 3, "model_type": "blip_text_model", "is_decoder": true,
        ]
        try write(
            [
                "architectures": ["BlipForConditionalGeneration"], "model_type": "blip", "text_config": text,
                "vision_config": vision(size, "gelu", "blip_vision_model"),
            ], "config.json", directory)
        try write(preprocessor(["height": size.imageSide, "width": size.imageSide]), directory)
        try vocabulary.write(to: directory)

        let weights = Weights.recording()
        _ = try BLIP(BLIPConfiguration(json: contents("config.json", directory)), weights)
        try write(weights, to: directory, seed) { name, number in
            // Words are likely, letters and special tokens are not; [SEP] in between, so that captions end.
            guard learned == nil else { return size.startingPosition(name, number) }
            guard name == "text_decoder.cls.predictions.bias" else { return nil }
            return RandomVocabulary.isWord(vocabulary.tokens[number]) ? 0 : number == 3 ? 1 : -12
        }
    }

    /// Writes a ranker of `size` into the folder `directory`, which is made where it is missing.
    package static func writeCLIP(
        _ size: Size = .smallCLIP, vocabulary learned: BytePairVocabulary? = nil, to directory: String, seed: UInt64
    ) throws {
        let vocabulary = learned ?? RandomVocabulary.bytePairs(atLeast: size.vocabulary)
        let count = vocabulary.tokens.count
        // A captioner can take over the image transformer of a ranker with its own activation.
        let activation = learned == nil ? "quick_gelu" : "gelu"
        let text: [String: Any] = [
            "vocab_size": count, "hidden_size": size.textWidth, "intermediate_size": 4 * size.textWidth,
            "num_hidden_layers": size.textLayers, "num_attention_heads": size.textHeads,
            "max_position_embeddings": size.textPositions ?? 77, "hidden_act": activation, "layer_norm_eps": 1e-5,
            "projection_dim": size.textWidth, "bos_token_id": count - 2, "eos_token_id": count - 1,
            "pad_token_id": count - 1, "model_type": "clip_text_model",
        ]
        var vision = vision(size, activation, "clip_vision_model")
        vision["projection_dim"] = size.textWidth
        try write(
            [
                "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": size.textWidth,
                "text_config": text, "vision_config": vision,
            ], "config.json", directory)
        var preprocessor = preprocessor(["shortest_edge": size.imageSide])
        preprocessor["crop_size"] = ["height": size.imageSide, "width": size.imageSide]
        try write(preprocessor, directory)
        try vocabulary.write(to: directory)

        let weights = Weights.recording()
        _ = try CLIP(CLIPConfiguration(json: contents("config.json", directory)), weights)
        try write(weights, to: directory, seed) { name, number in
            name == "logit_scale" ? 2.6592 : learned == nil ? nil : size.startingPosition(name, number)
        }
    }

    private static func vision(_ size: Size, _ activation: String, _ type: String) -> [String: Any] {
        [
            "hidden_size": size.visionWidth, "intermediate_size": 4 * size.visionWidth,
            "num_hidden_layers": size.visionLayers, "num_attention_heads": size.visionHeads,
            "image_size": size.imageSide, "patch_size": size.patchSide, "hidden_act": activation,
            "layer_norm_eps": 1e-5, "model_type": type,
        ]
    }

    static func preprocessor(_ size: [String: Int]) -> [String: Any] {
        [
            "do_resize": true, "size": size, "resample": 3, "do_rescale": true, "do_normalize": true,
            "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        ]
    }

    static func write(_ preprocessor: [String: Any], _ directory: String) throws {
        try write(preprocessor, "preprocessor_config.json", directory)
    }

    /// Writes every parameter that the model asked `weights` for; `fixed` may say the value of an element.
    private static func write(
        _ weights: Weights, to directory: String, _ seed: UInt64, _ fixed: @escaping (String, Int) -> Float?
    ) throws {
        try writeWeights(pending(weights.recorded.map { ($0.name, $0.shape) }, seed, fixed), to: directory)
    }

    /// Parameters of these names and shapes, to be written; `fixed` may say the value of an element.
    static func pending(
        _ shapes: [(String, [Int])], _ seed: UInt64, _ fixed: @escaping (String, Int) -> Float?
    ) -> [PendingTensor] {
        shapes.map { name, shape in
            PendingTensor(name: name, dtype: .float32, shape: shape) {
                var normal = NormalStream(RandomStream(seed: seed, key: name, number: 0))
                let (mean, deviation) = spread(name, shape)
                let values = (0..<shape.reduce(1, *)).map { number in
                    fixed(name, number) ?? (deviation == 0 ? mean : mean + deviation * normal.next())
                }
                return try Tensor(values, shape: shape).bytes()
            }
        }
    }

    /// Mean and deviation that keep activations of about the same size in every layer.
    private static func spread(_ name: String, _ shape: [Int]) -> (mean: Float, deviation: Float) {
        guard shape.count > 1 else {
            return (name.lowercased().contains("norm") && name.hasSuffix("weight") ? 1 : 0, 0)
        }
        let inputs = name.contains("embedding") ? shape[shape.count - 1] : shape[1...].reduce(1, *)
        return (0, 1 / Float(inputs).squareRoot())
    }

    private static func write(_ object: [String: Any], _ name: String, _ directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let json = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
        try writeFile(json + Data("\n".utf8), to: directory + "/" + name)
    }

    private static func contents(_ name: String, _ directory: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name))
    }
}

/// Normally distributed numbers, by Box and Muller's method.
private struct NormalStream {
    private let stream: RandomStream
    private var position = 0
    private var spare: Float?

    init(_ stream: RandomStream) { self.stream = stream }

    mutating func next() -> Float {
        if let spare {
            self.spare = nil
            return spare
        }
        let radius = (-2 * log(1 - stream.uniform(position))).squareRoot()
        let angle = 2 * Double.pi * stream.uniform(position + 1)
        position += 2
        spare = Float(radius * sin(angle))
        return Float(radius * cos(angle))
    }
}

extension RandomCheckpoint.Size {
    /// Where a model that is to be trained has its patches at first, element `number` of the parameter `name`: sines and
    /// cosines of row and column, which say from the start which patches are neighbours; nil for other parameters.
    ///
    /// Source: facebookresearch/mae `util/pos_embed.py`, `get_2d_sincos_pos_embed`, for smaller grids.
    fileprivate func startingPosition(_ name: String, _ number: Int) -> Float? {
        guard name.hasPrefix("vision_model.embeddings.position_embedding") else { return nil }
        let (token, place, quarter, grid) = (
            number / visionWidth, number % visionWidth, visionWidth / 4, imageSide / patchSide
        )
        guard token > 0 else { return 0 }  // the class token stands nowhere
        let coordinate = Double(place < 2 * quarter ? (token - 1) / grid : (token - 1) % grid)
        let angle = coordinate / pow(100, Double(place % quarter) / Double(quarter))
        return Float(place / quarter % 2 == 0 ? sin(angle) : cos(angle))
    }
}
