package import BLIP2Models
import Files
import Foundation
import Layers
package import Loading
import RandomNumbers
import Samples
import Tensors
import VisionLanguage

/// A phase-1 model of random weights and batches of random samples, for measuring speed and memory.
package struct RandomPhaseOne {
    package let configuration: BLIP2Configuration
    /// The folder of what is trained, and of the frozen encoder.
    package let start: String
    package let encoder: String

    /// The model in `folder`, where it is written unless it is there; it takes some minutes at the published sizes.
    package init(_ configuration: BLIP2Configuration, in folder: String) throws {
        self.configuration = configuration
        (start, encoder) = (folder + "/start", folder + "/encoder")
        for part in [start, encoder] {
            try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true)
        }
        guard !FileManager.default.fileExists(atPath: encoder + "/config.json") else { return }
        try writeSafetensors(
            PhaseOneLayout.hub.tensors(PhaseOneStart.nothing(seed: 1).tensors(configuration)),
            to: start + "/model.safetensors")
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "[DEC]"]
        try writeFile(words.joined(separator: "\n").utf8, to: start + "/vocab.txt")
        try writeFile(configuration.json(), to: start + "/config.json")
        try writeSafetensors(
            configuration.encoder.hubShapes.map { randomTensor($0, $1) }, to: encoder + "/model.safetensors")
        try writeFile(configuration.json(), to: encoder + "/config.json")  // last: with it all is there
    }

    /// A batch of `count` different images of noise and texts of 8 to 32 tokens, the lengths by turns.
    package func batch(_ count: Int) -> TrainingBatch {
        let side = configuration.encoder.vision.imageSide
        let pixels = (0..<count * side * side * 3).map { UInt8(truncatingIfNeeded: SplitMix64.number($0, from: 7)) }
        let tokens = (0..<count).map { number in
            let words = Self.length(number) - 2
            return [[101] + (0..<words).map { 1000 + (number * 7919 + $0 * 104_729) % 29_000 } + [102]]
        }
        let digests = (0..<count).map { number in
            ContentDigest(bytes: (0..<32).map { UInt8(truncatingIfNeeded: $0 < 4 ? number >> (8 * $0) : 0) })
        }
        return TrainingBatch(
            step: 1, numbers: 0..<count, keys: (0..<count).map { "sample \($0)" }, digests: digests, pixels: pixels,
            captions: (0..<count).map { _ in [""] }, tokens: tokens, damaged: [])
    }

    /// The tokens of a batch's text `number`.
    static func length(_ number: Int) -> Int { 8 + number * 7 % 25 }
}
