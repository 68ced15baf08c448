import ArgumentParser
import Captioning
import Commands
import Images
import LanguageModels
import ModelFolders
import Tensors

/// Writes texts about images as a prompt asks for.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write texts about images with a BLIP-2 model of phase 2, as a prompt asks.",
        discussion: """
            The model is a folder that `blip2 train stage2` wrote, or one such as Salesforce/blip2-opt-2.7b. Without a \
            prompt it describes the image. With --chat questions about one image are read from standard input, a line \
            each, and each answer takes into account what was said before; Ctrl-D ends it.

            EXAMPLES:
              blip2 generate cat.jpg --model out/stage2 --prompt "Question: what is this? Answer:" --greedy
              blip2 generate *.jpg --model out/stage2 --beams 5 --length-penalty -1 --max-new-tokens 10 --json
              blip2 generate cat.jpg --model out/stage2 --chat
            """)

    @Argument(help: ArgumentHelp("The image files: JPEG, PNG, WebP or GIF.", valueName: "image"))
    var images: [String]

    @Option(
        help: """
            What each text goes on from; not part of it. With --chat how a question is asked, with {} for the \
            question. (default: nothing; with --chat "Question: {} Answer:")
            """)
    var prompt: String?

    @Flag(help: "Answer questions about one image, read from standard input.")
    var chat = false

    @OptionGroup var search: SearchOptions
    @OptionGroup var options: ModelOptions

    struct Output: Encodable {
        struct Text: Encodable {
            let text: String
            let tokens: [Int]
            let logprob: Double

            init(_ text: GeneratedText) { (self.text, tokens, logprob) = (text.text, text.tokens, text.logprob) }
        }
        let image: String
        let prompt: String
        let outputs: [Text]
    }

    func validate() throws {
        guard !images.isEmpty else { throw ValidationError("give at least one image") }
        guard chat else { return }
        guard images.count == 1 else { throw ValidationError("--chat: give one image, not \(images.count)") }
        guard search.count == 1 else { throw ValidationError("--chat and --count contradict each other") }
        guard Conversation(template: template) != nil else {
            throw ValidationError("--prompt: with --chat want {} in it once, where the question stands")
        }
    }

    /// How a question of a conversation is asked.
    var template: String { prompt ?? "Question: {} Answer:" }

    func run() async throws {
        let generator = try await asInput {
            try TextGenerator(
                directory: options.directory(), precision: options.arithmetic(), engines: options.engines(),
                batch: options.imagesAtOnce(default: 8))
        }
        guard !chat else { return try await talk(generator) }
        let tokens = try await asInput {
            let tokens = try generator.model.tokens(of: prompt ?? "")
            try generator.model.requireRoom(prompt: tokens.count, newTokens: search.maxNewTokens)
            return tokens
        }
        var unreadable = 0
        // As many at once as keep all engines busy, and no more: a list of images may be long.
        for start in stride(from: 0, to: images.count, by: Self.group) {
            let paths = images[start..<min(start + Self.group, images.count)]
            let seen = try look(at: Array(paths), generator.model)
            unreadable += paths.count - seen.count
            try await generate(seen, tokens, generator)
        }
        guard unreadable == 0 else {
            throw CommandError(.badInput, "\(unreadable) of \(images.count) images could not be read")
        }
    }

    private static let group = 64

    /// What the model sees of those images that can be read; of several the others are reported.
    private func look(
        at paths: [String], _ model: GenerationModel
    ) throws -> [(path: String, pixels: [UInt8])] {
        var seen: [(path: String, pixels: [UInt8])] = []
        for path in paths {
            do {
                seen.append((path, model.view(try readImage(path)).rgb))
            } catch let error as CommandError where images.count > 1 {
                printError(error.message)
            }
        }
        return seen
    }

    private func generate(
        _ seen: [(path: String, pixels: [UInt8])], _ tokens: [Int], _ generator: TextGenerator
    ) async throws {
        guard !seen.isEmpty else { return }
        let queries = try await generator.describe(seen.map(\.pixels), prompt: tokens)
        let requests = zip(seen, queries).map { image, queries in
            TextGenerator.Request(key: image.path, queries: queries, prompt: tokens)
        }
        if images.count == 1, let request = requests.first, canBeLive {
            _ = try await answer(request, generator)
            return
        }
        let made = try await generator.generate(
            requests, search.generation, count: search.count, seed: search.seed ?? 0)
        for (image, texts) in zip(seen, made) { try show(texts, of: image.path) }
    }

    private func show(_ texts: [GeneratedText], of path: String) throws {
        if options.json { return try printJSON(texts, of: path, prompt ?? "") }
        if images.count > 1 { try printResult("\(path):") }
        for text in texts {
            try printResult(LiveText.isTerminal ? shownOnTerminal(text.text) : text.text)
        }
    }

    func printJSON(_ texts: [GeneratedText], of path: String, _ prompt: String) throws {
        try printResult(jsonLine(Output(image: path, prompt: prompt, outputs: texts.map(Output.Text.init))))
    }

    /// Whether a text can be shown as it is written: beams may change their minds.
    var canBeLive: Bool {
        if case .beams = search.generation.search { return false }
        return LiveText.isTerminal && !options.json && search.count == 1
    }

    /// The text that `request` asks for; shown, as it is written where that can be.
    func answer(_ request: TextGenerator.Request, _ generator: TextGenerator) async throws -> GeneratedText {
        let live = canBeLive ? LiveText(generator.model) : nil
        let made = try await generator.generate([request], search.generation, seed: search.seed ?? 0) { live?.take($0) }
        guard let text = made.first?.first else { preconditionFailure("a request has a text") }
        try live?.finish()
        return text
    }
}
