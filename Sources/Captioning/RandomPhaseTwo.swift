package import BLIP2Models
import Files
import Foundation
import LanguageModels
import Layers
import Tensors
import TextTokenizers
import VisionLanguage

extension RandomCheckpoint {
    /// Writes a phase-2 model with a language model of `family` into the folder `directory`, which is made where it is missing.
    ///
    /// With `isFullSize` it is one to measure speed with: a vision transformer of 12 layers, the paper's Q-Former, and a language
    /// model of the sizes of OPT-125M or FlanT5-small. Otherwise it is a small one.
    package static func writePhaseTwo(
        _ family: LanguageModelFamily, isFullSize: Bool = false, to directory: String, seed: UInt64
    ) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let vocabulary = try RandomWords(family, to: directory)
        let language =
            family == .opt ? opt(vocabulary, isFullSize: isFullSize) : t5(vocabulary, isFullSize: isFullSize)
        // EVA-CLIP's kind of encoder: transformers has no other for BLIP-2.
        let encoder = VisionConfiguration(
            width: isFullSize ? 768 : 64, innerWidth: isFullSize ? 3072 : 256, layers: isFullSize ? 12 : 2,
            heads: isFullSize ? 12 : 4, imageSide: isFullSize ? 224 : 64, patchSide: 16, epsilon: 1e-6,
            activation: .gelu)
        var vision: BLIP2Configuration = isFullSize ? .vitG14 : .small(vocabulary: 30522)
        vision.encoder = ImageEncoderConfiguration(.eva, encoder)
        (vision.qformer.imageWidth, vision.imageNormEpsilon) = (encoder.width, encoder.epsilon)
        let configuration = try PhaseTwoConfiguration(
            vision, languageJSON: JSONSerialization.data(withJSONObject: language, options: .sortedKeys),
            imageToken: vocabulary.idLimit, hasOwnHead: family == .t5)
        try write(configuration, vocabulary, to: directory, seed: seed)
        let side = vision.encoder.vision.imageSide
        try write(preprocessor(["height": side, "width": side]), directory)
    }

    private static func write(
        _ configuration: PhaseTwoConfiguration, _ vocabulary: RandomWords, to directory: String, seed: UInt64
    ) throws {
        let weights = Weights.recording()
        _ = try PhaseTwoModel(configuration, weights)
        _ = try configuration.language.model(weights.scoped("language_model"))
        let width = configuration.language.embeddingWidth
        let shapes = weights.recorded.map { ($0.name, $0.shape) } + configuration.vision.encoder.hubShapes
        let tensors = pending(shapes, seed) { name, number in
            // Words are likely, what is no word is not; the end in between, so that captions end.
            switch name {
            case "language_model.model.decoder.final_layer_norm.bias": number == 0 ? 3 : nil
            case "language_model.model.decoder.embed_tokens.weight" where number % width == 0:
                vocabulary.likelihood(of: number / width)
            default: nil
            }
        }
        try writeWeights(tensors, to: directory)
        try writeFile(configuration.json(), to: directory + "/config.json")
    }

    private static func opt(_ vocabulary: RandomWords, isFullSize: Bool) -> [String: Any] {
        var opt = OPTConfiguration()
        opt.endToken = vocabulary.end
        guard !isFullSize else { return opt.values }
        (opt.width, opt.wordWidth, opt.innerWidth, opt.layers, opt.heads) = (64, 64, 256, 2, 4)
        (opt.vocabulary, opt.positions) = (vocabulary.idLimit + 1, 128)
        return opt.values
    }

    private static func t5(_ vocabulary: RandomWords, isFullSize: Bool) -> [String: Any] {
        var t5 = T5Configuration()
        (t5.isGated, t5.activation, t5.isTied) = (true, .geluTanh, false)
        t5.endToken = vocabulary.end
        if isFullSize {
            (t5.innerWidth, t5.encoderLayers, t5.decoderLayers, t5.heads) = (1024, 8, 8, 6)
        } else {
            (t5.width, t5.innerWidth, t5.headWidth, t5.heads) = (64, 128, 16, 4)
            (t5.encoderLayers, t5.decoderLayers, t5.vocabulary) = (2, 2, vocabulary.idLimit + 1)
        }
        return t5.values
    }
}

/// The words of a random language model, as its tokenizer has them.
struct RandomWords {
    let end: Int
    let idLimit: Int
    private let isWord: [Bool]

    /// Writes the tokenizer of a language model of `family` into `directory`.
    init(_ family: LanguageModelFamily, to directory: String) throws {
        // Each word stands there twice, for what is there once is not merged.
        let texts = RandomVocabulary.words.flatMap { ["a \($0)", "a \($0)"] }
        switch family {
        case .opt:
            try ByteLevelVocabulary.learn(from: WordCounts(.byteLevel, of: texts), limit: 800).write(to: directory)
        case .t5: try UnigramVocabulary.learn(from: WordCounts(.unigram, of: texts), limit: 400).write(to: directory)
        }
        let tokenizer = try loadLanguageTokenizer(directory: directory)
        let lineFeed = tokenizer.pieces(of: "\n")
        end = family == .opt && lineFeed.count == 1 ? lineFeed[0] : tokenizer.endID
        idLimit = tokenizer.idLimit
        isWord = (0..<tokenizer.idLimit).map { id in
            let text = String(decoding: tokenizer.bytes(of: id, isFirst: false) ?? [], as: UTF8.self)
            return text.hasPrefix(" ") && RandomVocabulary.isWord(String(text.dropFirst()))
        }
    }

    /// The element of a token's row that alone makes it more or less likely.
    func likelihood(of token: Int) -> Float {
        token == end ? 1 : token < isWord.count && isWord[token] ? 1 : -3
    }
}
