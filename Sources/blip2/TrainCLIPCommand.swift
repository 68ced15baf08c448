import ArgumentParser
import Captioning
import Commands
import Training

/// Trains a ranker.
struct TrainCLIPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip", abstract: "Train a ranker: CLIP's image and text transformers.",
        discussion: """
            Symmetric cross-entropy with a learned temperature. Larger batches give a better ranker.

            EXAMPLE:
              blip2 train clip --data out/pets --output out/models/ranker --epochs 10 --batch-size 256
            """)

    @OptionGroup var size: SizeOptions
    @OptionGroup var options: TrainOptions
    @Flag(help: "Let similar images and texts share their targets; see docs/training.md.")
    var softTargets = false

    func run() async throws {
        try await asTrainingInput {
            let start = try options.startFolder(size, .ranker)
            let objective = try ContrastiveObjective(directory: start, softTargets: softTargets)
            try await options.train(objective, named: softTargets ? "contrastive, soft targets" : "contrastive")
        }
    }
}
