import ArgumentParser
import Commands

/// The person's command for models.
@main
struct BLIP2Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blip2",
        abstract: "Captions and ranks with the models that the pipeline uses.",
        discussion: """
            EXAMPLES:
              blip2 caption cat.jpg --model Salesforce/blip-image-captioning-large --count 10 --seed 1
              blip2 rank cat.jpg --model openai/clip-vit-large-patch14 --caption "a cat" --caption "a dog" --json

            A model is a folder in the model hub's layout, or the id of one in the hub's cache.
            """,
        version: softwareVersion,
        subcommands: [
            CaptionCommand.self, RankCommand.self, RandomCheckpointCommand.self, BenchmarkCommand.self,
        ])

    static func main() async { await runToExit(Self.self) }
}
