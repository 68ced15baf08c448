import Decoding
import Files
import Foundation
import LanguageModels
import Layers
import RandomNumbers
import Tensors
import TextTokenizers

/// A small language model of random weights to train, written in the model hub's layout.
package struct NewLanguageModel: Sendable {
    package enum Family: String, Sendable, CaseIterable { case opt, t5 }

    /// The most lines that a vocabulary is learned from.
    private static let readLines = 1_000_000

    package let family: Family
    package let width: Int
    /// Of T5 as many in the encoder and in the decoder.
    package let layers: Int
    package let heads: Int
    /// The longest text of OPT in tokens, what stands before it counted.
    package let positions: Int
    /// The most tokens of the vocabulary.
    package let vocabulary: Int

    package init(_ family: Family, width: Int, layers: Int, heads: Int, positions: Int, vocabulary: Int) {
        precondition(width % heads == 0, "heads share the width")
        (self.family, self.width, self.layers, self.heads) = (family, width, layers, heads)
        (self.positions, self.vocabulary) = (positions, vocabulary)
    }

    /// The fewest tokens that a vocabulary can have.
    package static func leastVocabulary(_ family: Family) -> Int {
        family == .opt ? ByteLevelVocabulary.leastCount : 100
    }

    /// Writes the model into the folder `directory`, which is made; its words are learned from `lines`, a million
    /// of them at most.
    ///
    /// OPT's vocabulary has all bytes, T5's all characters of `lines`; others read `<unk>`.
    package func write(to directory: String, learning lines: TextLines, seed: UInt64) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let configuration: LanguageModelConfiguration
        let values: [String: Any]
        switch family {
        case .opt:
            let learned = try ByteLevelVocabulary.learn(from: words(.byteLevel, lines), limit: vocabulary)
            try learned.write(to: directory)
            let opt = self.opt(learned.tokens.count)
            (configuration, values) = (.opt(opt), opt.values)
        case .t5:
            let learned = try UnigramVocabulary.learn(from: words(.unigram, lines), limit: vocabulary)
            try learned.write(to: directory)
            let t5 = self.t5(learned.pieces.count)
            (configuration, values) = (.t5(t5), t5.values)
        }
        let json = try JSONSerialization.data(withJSONObject: values, options: [.prettyPrinted, .sortedKeys])
        try writeFile(json + Data("\n".utf8), to: directory + "/config.json")
        let weights = Weights.recording()
        _ = try configuration.model(weights)
        try writeWeights(weights.recorded.map { try pending($0.name, $0.shape, seed) }, to: directory)
    }

    private func words(
        _ splitting: WordCounts.Splitting, _ lines: TextLines
    ) throws(TextError) -> WordCounts {
        var words = WordCounts(splitting)
        try lines.first(Self.readLines) { words.add($0.replacing("\t", with: "")) }
        return words
    }

    private func opt(_ count: Int) -> OPTConfiguration {
        var opt = OPTConfiguration()
        (opt.vocabulary, opt.width, opt.wordWidth, opt.innerWidth) = (count, width, width, 4 * width)
        (opt.layers, opt.heads, opt.positions) = (layers, heads, positions)
        return opt
    }

    private func t5(_ count: Int) -> T5Configuration {
        var t5 = T5Configuration()
        (t5.vocabulary, t5.width, t5.headWidth, t5.innerWidth) = (count, width, width / heads, 3 * width)
        (t5.heads, t5.encoderLayers, t5.decoderLayers) = (heads, layers, layers)
        (t5.isGated, t5.activation) = (true, .geluTanh)
        return t5
    }

    private func pending(_ name: String, _ shape: [Int], _ seed: UInt64) throws -> PendingTensor {
        PendingTensor(name: name, dtype: .float32, shape: shape) {
            let (mean, deviation) = spread(name, shape)
            let stream = RandomStream(key: SplitMix64.mixed(nameHash(name, from: SplitMix64.mixed(seed))))
            let values = (0..<shape.reduce(1, *)).map { place in
                deviation == 0 ? mean : mean + deviation * stream.normal(place)
            }
            return try Tensor(values, shape: shape).bytes()
        }
    }

    /// Mean and deviation of a parameter at first.
    ///
    /// Source: transformers `modeling_t5.py`, `T5PreTrainedModel._init_weights`, but for the relative positions: what they add to
    /// a score changes by no more than the learning rate in a step, so small ones would take thousands of steps to single out the
    /// word before another. For OPT GPT-2's, whose last maps of a layer are smaller the more layers there are, by the width:
    /// GPT-2's 0.02 is made for a wide model, and in a narrow one the words drown in what the first layer adds to them.
    private func spread(_ name: String, _ shape: [Int]) -> (mean: Float, deviation: Float) {
        let isNorm = name.contains("norm")
        guard shape.count > 1 else { return (isNorm && name.hasSuffix("weight") ? 1 : 0, 0) }
        let byInputs = 1 / Float(shape[1]).squareRoot()
        switch family {
        case .opt:
            if name.contains("embed_") { return (0, 1 / Float(width).squareRoot()) }
            let isLast = name.contains("out_proj") || name.contains("fc2")
            return (0, isLast ? byInputs / Float(2 * layers).squareRoot() : byInputs)
        case .t5:
            if name == "shared.weight" { return (0, 1) }
            // Scores are not scaled: queries are the smaller.
            if name.hasSuffix(".q.weight") { return (0, byInputs / Float(width / heads).squareRoot()) }
            return (0, name.contains("relative_attention_bias") ? 2 : byInputs)
        }
    }
}

extension RandomStream {
    /// The normally distributed number at `place`, by Box and Muller's method.
    fileprivate func normal(_ place: Int) -> Float {
        let radius = (-2 * log(1 - uniform(2 * place))).squareRoot()
        return Float(radius * cos(2 * Double.pi * uniform(2 * place + 1)))
    }
}
