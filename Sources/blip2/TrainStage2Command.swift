import ArgumentParser
import Commands
import Manifests

/// Trains phase 2 of BLIP-2.
struct TrainStage2Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage2", abstract: "Train phase 2 of BLIP-2: a phase-1 model before a frozen language model.",
        discussion: """
            The file says what is trained and how; docs/training-config.md explains every key. Options take
            precedence over it, and the output keeps the settings that were used in config.yaml.

            EXAMPLES:
              blip2 train stage2 --config manifests/stage2-vit-g-opt-2.7b.yaml
              blip2 train stage2 --config manifests/stage2-vit-l-flan-t5-xl.yaml --data out/pets --output out/stage2
            """)

    @OptionGroup var options: RunOptions
    @Option(help: "Dropout of the Q-Former, at least 0 and below 1.") var dropout: Double?

    func validate() throws {
        guard (0..<1).contains(dropout ?? 0) else {
            throw ValidationError("--dropout: want at least 0 and below 1")
        }
    }

    func run() async throws {
        var settings: PhaseTwoSettings = try options.settings()
        settings.qformer.dropout = dropout ?? settings.qformer.dropout
        try await options.train(PhaseTwoStage.self, settings)
    }
}
