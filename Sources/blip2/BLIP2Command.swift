import ArgumentParser
import Commands

/// The person's command for models.
@main
struct BLIP2Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blip2",
        abstract: "Captions, ranks, trains and evaluates with the models that the pipeline uses.",
        discussion: """
            EXAMPLES:
              blip2 caption cat.jpg --model Salesforce/blip-image-captioning-large --count 10 --seed 1
              blip2 rank cat.jpg --model openai/clip-vit-large-patch14 --caption "a cat" --caption "a dog" --json
              blip2 generate cat.jpg --model out/stage2 --prompt "Question: what is this? Answer:"
              blip2 train clip --data out/pets --output out/models/ranker
              blip2 eval retrieval --model out/stage1 --data out/held-out

            A model is a folder in the model hub's layout, or the id of one in the hub's cache.
            """,
        version: softwareVersion,
        subcommands: [
            CaptionCommand.self, RankCommand.self, GenerateCommand.self, TrainCommand.self, EvalCommand.self,
            ExportLAVISCommand.self, RandomCheckpointCommand.self, BenchmarkCommand.self, LoadBenchmarkCommand.self,
            LoaderBenchmarkCommand.self, StageOneBenchmarkCommand.self, StageTwoBenchmarkCommand.self,
        ])

    static func main() async { await runToExit(Self.self) }
}
