import ArgumentParser
import Commands
import Manifests

/// Fine-tunes a BLIP-2 for a task.
struct TrainFinetuneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune", abstract: "Fine-tune a BLIP-2, its image encoder too, for one task.",
        discussion: """
            The file says what is trained and how; docs/training-config.md explains every key. Options take
            precedence over it, and the output keeps the settings that were used in config.yaml.

            EXAMPLES:
              blip2 train finetune captioning --config manifests/finetune-captioning-opt-2.7b.yaml
              blip2 train finetune vqa --config manifests/finetune-vqa-flan-t5-xl.yaml
              blip2 train finetune retrieval --config manifests/finetune-retrieval-vit-g.yaml --accumulate 8
            """,
        subcommands: [FinetuneCaptioningCommand.self, FinetuneVQACommand.self, FinetuneRetrievalCommand.self])
}

struct FinetuneCaptioningCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "captioning", abstract: "Fine-tune a phase-2 model to write captions.")

    @OptionGroup var options: RunOptions

    func run() async throws { try await options.train(LanguageTuningStage.self, for: .captioning) }
}

struct FinetuneVQACommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Fine-tune a phase-2 model to answer questions, which its Q-Former reads too.")

    @OptionGroup var options: RunOptions

    func run() async throws { try await options.train(LanguageTuningStage.self, for: .vqa) }
}

struct FinetuneRetrievalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieval", abstract: "Fine-tune a phase-1 model to find images by texts and texts by images.")

    @OptionGroup var options: RunOptions

    func run() async throws { try await options.train(RetrievalTuningStage.self, for: .retrieval) }
}
