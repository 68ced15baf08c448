import ArgumentParser
import BLIP2Models
import Captioning
import Commands
import Foundation
import Images
import ModelFolders
import Stages

/// Judges how well captions fit an image.
struct RankCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rank", abstract: "Score how well captions match an image, best first.",
        discussion: """
            With CLIP the score is the cosine similarity. With a BLIP-2 model of phase 1 it is, by --score, itc, the \
            cosine of the query that is nearest to the caption; itm, the mean logit of "matched"; or sum, both added. \
            Both are shown.

            EXAMPLES:
              blip2 rank cat.jpg --model openai/clip-vit-large-patch14 --caption "a cat" --caption "a dog"
              blip2 rank cat.jpg --model out/stage1 --score sum --caption "a cat" --caption "a dog" --json
            """)

    @Argument(help: ArgumentHelp("The image file: JPEG, PNG, WebP or GIF.", valueName: "image"))
    var image: String

    @Option(name: .customLong("caption"), help: "A caption to score; repeatable.")
    var captions: [String]

    @Option(help: "What the score is, with a BLIP-2 model of phase 1: itc, itm or sum; by default itc.")
    var score: PhaseOneScore?

    @OptionGroup var options: ModelOptions

    private struct Output: Encodable {
        struct Caption: Encodable {
            let text: String
            let score: Double
            var itc: Double?
            var itm: Double?
        }
        let image: String
        let captions: [Caption]
    }

    func validate() throws {
        guard !captions.isEmpty else { throw ValidationError("give at least one --caption") }
    }

    func run() async throws {
        let judged = try await judge()
        if options.json {
            return try printResult(jsonLine(Output(image: image, captions: judged)))
        }
        let order = judged.indices.sorted { (-judged[$0].score, $0) < (-judged[$1].score, $1) }
        for caption in order.map({ judged[$0] }) {
            let both = [("itc", caption.itc), ("itm", caption.itm)].compactMap { name, value in
                value.map { String(format: "%@ %.4f  ", name, $0) }
            }
            try printResult(String(format: "%.4f  %@%@", caption.score, both.joined(), caption.text))
        }
    }

    private func judge() async throws -> [Output.Caption] {
        let directory = try options.directory()
        return try await asInput {
            switch try RankerKind(of: ModelDirectory(directory)) {
            case .clip: try await cosines(directory)
            case .phaseOne: try await scores(directory)
            }
        }
    }

    private func cosines(_ directory: String) async throws -> [Output.Caption] {
        if let score {
            throw CommandError(
                .usage, "--score \(score.rawValue): \(directory) is a CLIP model: its one score is the cosine")
        }
        let ranker = try CLIPRanker(
            directory: directory, precision: options.arithmetic(), engines: options.engines(),
            use: options.use(images: 1))
        let scores = try await ranker.score([request(ranker.view)]).first ?? []
        return zip(captions, scores).map { Output.Caption(text: $0, score: $1) }
    }

    private func scores(_ directory: String) async throws -> [Output.Caption] {
        let ranker = try PhaseOneRanker(
            directory: directory, precision: options.arithmetic(), engines: options.engines(),
            use: options.use(images: 1))
        let scores = try await ranker.judge([request(ranker.view)]).first ?? []
        return zip(captions, scores).map { caption, scores in
            Output.Caption(
                text: caption, score: scores[score ?? .itc], itc: scores.itc, itm: scores.itm)
        }
    }

    private func request(_ view: ImageView) throws -> RankRequest {
        RankRequest(key: image, pixels: view(try readImage(image)).rgb, captions: captions)
    }
}

extension PhaseOneScore: ExpressibleByArgument {}
