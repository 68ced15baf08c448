import BLIP2Models
import Foundation
import Images
import Layers
import ModelFolders
import RandomNumbers
import Samples
import Tensors
import TestSupport
import Training
import VisionLanguage

@testable import BLIP2Training
@testable import Loading

/// A tiny phase-1 model to be trained, in a folder of its own: the encoder of a golden checkpoint, and a Q-Former drawn
/// anew.
struct PhaseOneStage: Sendable {
    let folder: String
    let configuration: BLIP2Configuration
    private let encoder = Project.root + "/Tests/Goldens/blip2/even"

    init() throws {
        folder = try Project.temporaryFolder("stage1")
        var configuration = try BLIP2Configuration(
            json: Data(contentsOf: URL(fileURLWithPath: encoder + "/config.json")))
        configuration.qformer.positions = 32
        (configuration.qformer.hiddenDropout, configuration.qformer.attentionDropout) = (0.1, 0.2)
        self.configuration = configuration
        try FileManager.default.createDirectory(atPath: start, withIntermediateDirectories: true)
        try configuration.json().write(to: URL(fileURLWithPath: start + "/config.json"))
        try writeSafetensors(
            PhaseOneLayout.hub.tensors(PhaseOneStart.nothing(seed: 3).tensors(configuration)),
            to: start + "/model.safetensors")
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let words = special + (special.count..<configuration.qformer.vocabulary - 1).map { "w\($0)" } + ["[DEC]"]
        try words.joined(separator: "\n").write(toFile: start + "/vocab.txt", atomically: true, encoding: .utf8)
    }

    var start: String { folder + "/start" }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func objective(_ options: PhaseOneOptions = PhaseOneOptions()) throws -> PhaseOneObjective {
        try PhaseOneObjective(
            start: ModelDirectory(start), encoder: .frozen(ModelDirectory(encoder), .float32), options: options)
    }

    /// The same with the image encoder trained too, as `training` says.
    func tuned(
        _ training: EncoderTraining, _ options: PhaseOneOptions = PhaseOneOptions(sameImage: .shared)
    ) throws -> PhaseOneObjective {
        let tuned = folder + "/tuned"
        if !FileManager.default.fileExists(atPath: tuned) {
            try FileManager.default.createDirectory(atPath: tuned, withIntermediateDirectories: true)
            for name in ["config.json", "vocab.txt"] {
                try FileManager.default.copyItem(atPath: "\(start)/\(name)", toPath: "\(tuned)/\(name)")
            }
            try writeSafetensors(
                PhaseOneLayout.hub.tensors(PhaseOneStart.nothing(seed: 3).tensors(configuration))
                    + configuration.encoder.hubTensors(of: Checkpoint(directory: encoder), as: .float32),
                to: tuned + "/model.safetensors")
        }
        return try PhaseOneObjective(start: ModelDirectory(tuned), encoder: .trained(training), options: options)
    }

    /// A batch of eight pairs, the part `numbers` of it: texts of 3 and 25 words by turns, the second and third of one
    /// image.
    func batch(_ numbers: Range<Int> = 0..<8, step: Int = 1) -> TrainingBatch {
        let side = configuration.encoder.vision.imageSide
        let words = configuration.qformer.vocabulary - 6
        func image(_ number: Int) -> Int { (number == 2 ? 1 : number) + 100 * step }
        let pixels = numbers.flatMap { number in
            var draws = SplitMix64(seed: UInt64(image(number)))
            return (0..<side * side * 3).map { _ in UInt8(draws.below(256)) }
        }
        let tokens = numbers.map { number in
            var draws = SplitMix64(seed: UInt64(1000 * step + number))
            return [[2] + (0..<(number % 2 == 0 ? 3 : 25)).map { _ in 5 + draws.below(words) } + [3]]
        }
        let digests = numbers.map { ContentDigest(bytes: [UInt8](repeating: UInt8(image($0) & 255), count: 32)) }
        return TrainingBatch(
            step: step, numbers: numbers, keys: numbers.map { "sample \($0)" }, digests: digests, pixels: pixels,
            captions: numbers.map { _ in [""] }, tokens: tokens, damaged: [])
    }
}
