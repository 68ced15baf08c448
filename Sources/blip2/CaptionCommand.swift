import ArgumentParser
import Captioning
import Commands
import Decoding
import Images
import Stages
import VisionLanguage

/// Writes captions for image files.
struct CaptionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Write captions for image files.",
        discussion: """
            EXAMPLES:
              blip2 caption cat.jpg dog.png --model out/models/captioner
              blip2 caption cat.jpg --model Salesforce/blip-image-captioning-large --greedy --json
            """)

    @Argument(help: ArgumentHelp("The image files: JPEG, PNG, WebP or GIF.", valueName: "image"))
    var images: [String]

    @Option(help: "Captions for each image.")
    var count = 10

    @Option(help: "Seed of the random numbers.")
    var seed: UInt64 = 0

    @Flag(help: "Take the most likely token at each step: one caption for each image.")
    var greedy = false

    @Option(
        help: """
            The beginning of every caption; not part of its text. (default: what the model was trained with: "a picture of " for \
            BLIP, nothing for BLIP-2)
            """)
    var prompt: String?

    @Option(help: "Sample from the tokens that make up this share of the probability, more than 0, at most 1.")
    var topP = 0.9

    @Option(help: "Sample from this many of the most likely tokens; 0 means all.")
    var topK = 50

    @Option(help: "Minimum number of tokens, including the prompt.")
    var minLength = 5

    @Option(help: "Maximum number of tokens, including the prompt.")
    var maxLength = 20

    @Option(help: "Penalty for tokens that are already in the caption; 1 is off.")
    var repetitionPenalty = 1.1

    @Option(
        help: "The sample's key, which selects the random numbers together with the seed; by default the image's path.")
    var key: String?

    @OptionGroup var options: ModelOptions

    private struct Output: Encodable {
        struct Caption: Encodable {
            let text: String
            let tokens: [Int]
            let logprob: Double
        }
        let image: String
        let captions: [Caption]
    }

    func validate() throws {
        guard !images.isEmpty else { throw ValidationError("give at least one image") }
        guard count > 0 else { throw ValidationError("--count: want at least 1, not \(count)") }
        guard topP > 0, topP <= 1 else { throw ValidationError("--top-p: want more than 0 and at most 1, not \(topP)") }
        guard topK >= 0 else { throw ValidationError("--top-k: want 0 or more, not \(topK)") }
        guard repetitionPenalty > 0 else { throw ValidationError("--repetition-penalty: want more than 0") }
        guard minLength <= maxLength else {
            throw ValidationError("--min-length: want at most --max-length, \(maxLength)")
        }
        guard key == nil || images.count == 1 else { throw ValidationError("--key: give one image with it") }
    }

    func run() async throws {
        let sampling = SamplingOptions(
            topP: topP, topK: topK, minLength: minLength, maxLength: maxLength, repetitionPenalty: repetitionPenalty,
            greedy: greedy)
        let captioner = try await asInput {
            try loadCaptioner(
                directory: options.directory(), CaptionRecipe(prompt: prompt, sampling: sampling, seed: seed),
                precision: options.arithmetic(), engines: options.engines(), use: options.use(images: images.count))
        }
        // As many at once as keep all engines busy, and no more: a list of images may be long.
        for start in stride(from: 0, to: images.count, by: Self.group) {
            let paths = images[start..<min(start + Self.group, images.count)]
            let requests = try paths.map { path in
                let view = captioner.view(try readImage(path))
                return CaptionRequest(key: key ?? path, pixels: view.rgb)
            }
            let made = try await captioner.caption(requests, count: greedy ? 1 : count)
            for (path, captions) in zip(paths, made) { try show(captions, of: path) }
        }
    }

    private static let group = 256

    private func show(_ captions: [GeneratedCaption], of path: String) throws {
        if options.json {
            let captions = captions.map { Output.Caption(text: $0.text, tokens: $0.tokens, logprob: $0.logprob) }
            return try printResult(jsonLine(Output(image: path, captions: captions)))
        }
        if images.count > 1 { try printResult("\(path):") }
        for caption in captions { try printResult(caption.text) }
    }
}
