import ArgumentParser
import Captioning
import Commands
import Files
import Foundation
import Loading
import TextTokenizers

/// The sizes of a model that is trained from scratch.
struct SizeOptions: ParsableArguments {
    @Option(help: "From scratch: side of the square image in pixels.") var imageSize = 96
    @Option(help: "From scratch: side of a patch in pixels; must divide the image's.") var patchSize = 12
    @Option(help: "From scratch: width of the vision transformer.") var visionWidth = 128
    @Option(help: "From scratch: layers of the vision transformer.") var visionLayers = 6
    @Option(help: "From scratch: width of the text transformer.") var textWidth = 128
    @Option(help: "From scratch: layers of the text transformer.") var textLayers = 4
    @Option(help: "From scratch: maximum length of a text in tokens.") var textLength = 48
    @Option(help: "From scratch: maximum size of the vocabulary learned from the captions.") var vocabulary = 2000
    @Option(
        help: ArgumentHelp(
            "From scratch: start with the image transformer of this captioner or ranker of the same sizes.",
            valueName: "dir"))
    var visionFrom: String?

    func validate() throws {
        for (name, value) in [
            ("image-size", imageSize), ("patch-size", patchSize), ("vision-width", visionWidth),
            ("vision-layers", visionLayers), ("text-width", textWidth), ("text-layers", textLayers),
        ] {
            guard value > 0 else { throw ValidationError("--\(name): want at least 1, not \(value)") }
        }
        guard imageSize % patchSize == 0 else { throw ValidationError("--patch-size: want a divisor of \(imageSize)") }
        for (name, value) in [("vision-width", visionWidth), ("text-width", textWidth)] {
            guard value % 32 == 0 else { throw ValidationError("--\(name): want a multiple of 32, not \(value)") }
        }
        guard textLength >= 8 else { throw ValidationError("--text-length: want at least 8, not \(textLength)") }
        guard vocabulary >= 600 else { throw ValidationError("--vocabulary: want at least 600, not \(vocabulary)") }
    }

    /// Heads are 32 wide.
    var size: RandomCheckpoint.Size {
        var size = RandomCheckpoint.Size.smallBLIP
        (size.visionWidth, size.visionLayers, size.visionHeads) = (visionWidth, visionLayers, visionWidth / 32)
        (size.textWidth, size.textLayers, size.textHeads) = (textWidth, textLayers, textWidth / 32)
        (size.imageSide, size.patchSide, size.textPositions) = (imageSize, patchSize, textLength)
        return size
    }
}

extension TrainOptions {
    enum Role {
        /// With what every caption begins: its words are in the vocabulary too.
        case captioner(prompt: String)
        case ranker
    }

    /// The folder of the model that training starts from: that of `--from`, or a new one's under the output.
    ///
    /// A new one has the image transformer of the model `size.visionFrom`, where that is given.
    func startFolder(_ size: SizeOptions, _ role: Role) throws -> String {
        if let from {
            guard size.visionFrom == nil else {
                throw ValidationError("--vision-from: not with --from, which has its own image transformer")
            }
            return try requireModel(from)
        }
        let folder = output + "/start"
        guard !FileManager.default.fileExists(atPath: folder) else { return folder }
        let partial = folder + ".partial"
        switch role {
        case .captioner(let prompt):
            let words = try wordCounts(.wordPiece, before: prompt)
            try RandomCheckpoint.writeBLIP(
                size.size, vocabulary: .learn(from: words, limit: size.vocabulary), to: partial, seed: seed)
        case .ranker:
            let words = try wordCounts(.bytePair, before: "")
            try RandomCheckpoint.writeCLIP(
                size.size, vocabulary: .learn(from: words, limit: size.vocabulary), to: partial, seed: seed)
        }
        if let visionFrom = size.visionFrom { try transferVision(from: requireModel(visionFrom), to: partial) }
        try publishFile(partial, as: folder)
        return folder
    }

    /// The words of one epoch's captions, each behind `prompt`, of at most a million samples.
    private func wordCounts(_ splitting: WordCounts.Splitting, before prompt: String) throws -> WordCounts {
        let loader = try loader()
        let samples = loader.samples(from: 0)
        var counts = WordCounts(splitting)
        for _ in 0..<min(loader.sampleCount, 1_000_000) {
            for caption in try samples.next().captions { counts.add(prompt + caption) }
        }
        return counts
    }
}
