package import BLIP2Models
import Files
import Foundation
import ModelFolders
import Tensors
import TextTokenizers
import VisionLanguage

extension BLIP2Configuration {
    /// A phase-1 model that fits in a few megabytes, with the words of a vocabulary of `vocabulary` tokens.
    package static func small(vocabulary: Int) -> BLIP2Configuration {
        let vision = VisionConfiguration(
            width: 64, innerWidth: 256, layers: 1, heads: 4, imageSide: 64, patchSide: 16, epsilon: 1e-5,
            activation: .quickGELU)
        var configuration = BLIP2Configuration(encoder: ImageEncoderConfiguration(.clip, vision))
        let qformer = configuration.qformer
        configuration.qformer = QFormerConfiguration()
        (configuration.qformer.width, configuration.qformer.innerWidth) = (64, 256)
        (configuration.qformer.layers, configuration.qformer.heads) = (2, 4)
        (configuration.qformer.positions, configuration.qformer.queries) = (64, 8)
        (configuration.qformer.vocabulary, configuration.qformer.imageWidth) = (vocabulary, qformer.imageWidth)
        configuration.jointWidth = 32
        return configuration
    }
}

extension RandomCheckpoint {
    /// Writes a phase-1 model into the folder `directory`, which is made where it is missing: behind CLIP's ViT-L/14 and as
    /// large as the paper's with `isFullSize`, otherwise a small one.
    package static func writePhaseOne(isFullSize: Bool = false, to directory: String, seed: UInt64) throws {
        let vocabulary = RandomVocabulary.wordPieces(
            atLeast: isFullSize ? BLIP2Configuration.vitL14.qformer.vocabulary : 0)
        let configuration: BLIP2Configuration =
            isFullSize ? .vitL14 : .small(vocabulary: vocabulary.tokens.count)
        // The image encoder is a ranker's.
        let clip = directory + "/.clip"
        try writeCLIP(isFullSize ? .releasedCLIP : .smallCLIP, to: clip, seed: seed)
        defer { try? FileManager.default.removeItem(atPath: clip) }  // what is left over is in nobody's way
        let encoder = try configuration.encoder.hubTensors(of: Checkpoint(directory: clip))
        let own = try PhaseOneStart.nothing(seed: seed).tensors(configuration)
        try writeWeights(PhaseOneLayout.hub.tensors(own) + encoder, to: directory)
        try writeFile(configuration.json(), to: directory + "/config.json")
        let side = configuration.encoder.vision.imageSide
        try write(preprocessor(["height": side, "width": side]), directory)
        try vocabulary.write(to: directory)
    }
}
