import ArgumentParser

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

    func run() async throws { try await options.train(PhaseTwoStage.self) }
}
