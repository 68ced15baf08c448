import ArgumentParser
import Commands

/// Trains models.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on the pipeline's shards, or a language model on texts.",
        discussion: """
            The same command resumes a run that was stopped or killed, with the same losses and the
            same final weights.

            EXAMPLES:
              blip2 train clip --data out/pets --output out/models/ranker --epochs 10
              blip2 train captioner --data out/pets --output out/models/captioner --from out/models/base --epochs 2
              blip2 train stage1 --config manifests/stage1-vit-g.yaml
              blip2 train finetune captioning --config manifests/finetune-captioning-opt-2.7b.yaml
            """,
        subcommands: [
            TrainCLIPCommand.self, TrainCaptionerCommand.self, TrainLanguageModelCommand.self, TrainStage1Command.self,
            TrainStage2Command.self, TrainFinetuneCommand.self,
        ])
}
