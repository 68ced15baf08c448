import ArgumentParser
import BLIP2Models
import Captioning
import Commands
import Files
import Foundation

/// Writes a checkpoint of random weights, for trying the pipeline without any download.
struct RandomCheckpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "random-checkpoint",
        abstract: "Write a checkpoint with random weights, to try out the pipeline. Its captions mean nothing.",
        discussion: """
            EXAMPLE:
              blip2 random-checkpoint captioner --output out/models/captioner --seed 1
            """)

    enum Role: String, ExpressibleByArgument, CaseIterable {
        case captioner, ranker, phase1
        case phase2OPT = "phase2-opt"
        case phase2T5 = "phase2-t5"
    }

    @Argument(
        help: """
            What the checkpoint is: captioner (BLIP), ranker (CLIP), phase1 (BLIP-2), phase2-opt or phase2-t5 (BLIP-2 \
            with a language model).
            """)
    var role: Role
    @Option(help: ArgumentHelp("The folder to write.", valueName: "dir")) var output: String
    @Option(help: "Seed of the weights.") var seed: UInt64 = 0
    @Flag(
        help: """
            Use the size of the published models (BLIP-large, CLIP and BLIP-2 ViT-L/14), to measure speed; of phase 2 \
            a ViT-B/16 with OPT-125M or FlanT5-small.
            """)
    var fullSize = false
    @OptionGroup var logs: LogOptions

    func run() async throws {
        do {
            switch role {
            case .captioner:
                try RandomCheckpoint.writeBLIP(fullSize ? .releasedBLIP : .smallBLIP, to: output, seed: seed)
            case .ranker:
                try RandomCheckpoint.writeCLIP(fullSize ? .releasedCLIP : .smallCLIP, to: output, seed: seed)
            case .phase1: try RandomCheckpoint.writePhaseOne(isFullSize: fullSize, to: output, seed: seed)
            case .phase2OPT: try RandomCheckpoint.writePhaseTwo(.opt, isFullSize: fullSize, to: output, seed: seed)
            case .phase2T5: try RandomCheckpoint.writePhaseTwo(.t5, isFullSize: fullSize, to: output, seed: seed)
            }
            try addNotice()
        } catch {
            throw CommandError(.badInput, "\(output): cannot be written: \(error)")
        }
    }

    /// Says in the configuration what a person must know who sees captions of this checkpoint.
    private func addNotice() throws {
        let path = output + "/config.json"
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        guard var configuration = object as? [String: Any] else { throw CocoaError(.fileReadCorruptFile) }
        configuration["_notice"] =
            "Captions and scores come from checkpoints of random weights: they show that the pipeline runs, and "
            + "mean nothing."
        let data = try JSONSerialization.data(
            withJSONObject: configuration, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
        try writeFile(data, to: path)
    }
}
