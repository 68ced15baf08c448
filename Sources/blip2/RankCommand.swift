import ArgumentParser
import Captioning
import Commands
import Foundation
import Images
import Stages

/// Judges how well captions fit an image.
struct RankCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rank", abstract: "Score how well captions match an image: cosine similarity, best first.",
        discussion: """
            EXAMPLE:
              blip2 rank cat.jpg --model openai/clip-vit-large-patch14 --caption "a cat" --caption "a dog"
            """)

    @Argument(help: ArgumentHelp("The image file: JPEG, PNG, WebP or GIF.", valueName: "image"))
    var image: String

    @Option(name: .customLong("caption"), help: "A caption to score; repeatable.")
    var captions: [String]

    @OptionGroup var options: ModelOptions

    private struct Output: Encodable {
        struct Caption: Encodable {
            let text: String
            let score: Double
        }
        let image: String
        let captions: [Caption]
    }

    func validate() throws {
        guard !captions.isEmpty else { throw ValidationError("give at least one --caption") }
    }

    func run() async throws {
        let ranker = try await asInput {
            try CLIPRanker(
                directory: options.directory(), precision: options.arithmetic(), engines: options.engines(),
                use: options.use(images: 1))
        }
        let view = ranker.view(try readImage(image))
        let request = RankRequest(key: image, pixels: view.rgb, captions: captions)
        let scores = try await ranker.score([request]).first ?? []
        let judged = zip(captions, scores).map { Output.Caption(text: $0, score: $1) }
        if options.json {
            return try printResult(jsonLine(Output(image: image, captions: judged)))
        }
        let order = judged.indices.sorted { (-judged[$0].score, $0) < (-judged[$1].score, $1) }
        for index in order {
            try printResult(String(format: "%.4f  %@", judged[index].score, judged[index].text))
        }
    }
}
