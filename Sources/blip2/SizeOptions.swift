import ArgumentParser
import Captioning
import Commands
import Files
import Foundation
import Loading
import TextTokenizers

/// The sizes of a model that is trained from scratch.
struct SizeOptions: ParsableArguments {
    @Option(help: "From scratch: side of the square image in pixels. (default: 96)") var imageSize: Int?
    @Option(help: "From scratch: side of a patch in pixels; must divide the image's. (default: 12)")
    var patchSize: Int?
    @Option(help: "From scratch: width of the vision transformer. (default: 128)") var visionWidth: Int?
    @Option(help: "From scratch: layers of the vision transformer. (default: 6)") var visionLayers: Int?
    @Option(help: "From scratch: width of the text transformer. (default: 128)") var textWidth: Int?
    @Option(help: "From scratch: layers of the text transformer. (default: 4)") var textLayers: Int?
    @Option(help: "From scratch: maximum length of a text in tokens. (default: 48)") var textLength: Int?
    @Option(help: "From scratch: maximum size of the vocabulary learned from the captions. (default: 2000)")
    var vocabulary: Int?
    @Option(
        help: ArgumentHelp(
            "From scratch: start with the image transformer of this captioner or ranker of the same sizes.",
            valueName: "dir"))
    var visionFrom: String?

    /// The sizes by the names of their options, defaults among them.
    var named: [(name: String, value: Int)] {
        [
            ("image-size", imageSize ?? 96), ("patch-size", patchSize ?? 12), ("vision-width", visionWidth ?? 128),
            ("vision-layers", visionLayers ?? 6), ("text-width", textWidth ?? 128), ("text-layers", textLayers ?? 4),
            ("text-length", textLength ?? 48), ("vocabulary", vocabulary ?? 2000),
        ]
    }

    /// The names of the options that were given.
    var given: [String] {
        zip(
            named, [imageSize, patchSize, visionWidth, visionLayers, textWidth, textLayers, textLength, vocabulary]
        ).compactMap { $1 == nil ? nil : $0.name } + (visionFrom == nil ? [] : ["vision-from"])
    }

    func callAsFunction(_ name: String) -> Int {
        guard let value = named.first(where: { $0.name == name })?.value else { preconditionFailure("no size \(name)") }
        return value
    }

    func validate() throws {
        for (name, value) in named {
            let least = ["text-length": 8, "vocabulary": 600][name] ?? 1
            guard value >= least else { throw ValidationError("--\(name): want at least \(least), not \(value)") }
        }
        guard self("image-size") % self("patch-size") == 0 else {
            throw ValidationError("--patch-size: want a divisor of \(self("image-size"))")
        }
        for name in ["vision-width", "text-width"] where self(name) % 32 != 0 {
            throw ValidationError("--\(name): want a multiple of 32, not \(self(name))")
        }
    }

    /// Heads are 32 wide.
    var size: RandomCheckpoint.Size {
        let (vision, text) = (self("vision-width"), self("text-width"))
        var size = RandomCheckpoint.Size.smallBLIP
        (size.visionWidth, size.visionLayers, size.visionHeads) = (vision, self("vision-layers"), vision / 32)
        (size.textWidth, size.textLayers, size.textHeads) = (text, self("text-layers"), text / 32)
        (size.imageSide, size.patchSide) = (self("image-size"), self("patch-size"))
        size.textPositions = self("text-length")
        return size
    }
}
