import ArgumentParser
import Captioning
import Commands
import Training

/// Trains a captioner.
struct TrainCaptionerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "captioner", abstract: "Train a captioner: BLIP's vision transformer and text decoder.",
        discussion: """
            EXAMPLE:
              blip2 train captioner --data out/pets --output out/models/captioner --epochs 10
            """)

    @OptionGroup var size: SizeOptions
    @OptionGroup var options: TrainOptions
    @Option(help: "The beginning of every caption; it is given, not predicted.")
    var prompt = BLIPCaptioner.trainedPrompt
    @Option(help: "Label smoothing, 0 to 1.") var labelSmoothing = 0.1

    @Option(help: "Captions of an image used in a step, if it has that many; the image is encoded once.")
    var captionsPerImage = 1

    func validate() throws {
        guard captionsPerImage > 0 else { throw ValidationError("--captions-per-image: want at least 1") }
        guard (0..<1).contains(labelSmoothing) else {
            throw ValidationError("--label-smoothing: want 0 or more and less than 1, not \(labelSmoothing)")
        }
    }

    func run() async throws {
        try await asTrainingInput {
            let start = try options.startFolder(size, .captioner(prompt: prompt))
            let objective = try CaptionObjective(directory: start, prompt: prompt, smoothing: labelSmoothing)
            try await options.train(
                objective,
                named: "captions, prompt \(prompt), smoothing \(labelSmoothing), \(captionsPerImage) an image",
                captionsPerImage: captionsPerImage)
        }
    }
}
