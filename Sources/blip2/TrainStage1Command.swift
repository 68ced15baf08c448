import ArgumentParser

/// Trains phase 1 of BLIP-2.
struct TrainStage1Command: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage1", abstract: "Train phase 1 of BLIP-2: a Q-Former on a frozen image encoder.",
        discussion: """
            The file says what is trained and how; docs/training-config.md explains every key. Options take
            precedence over it, and the output keeps the settings that were used in config.yaml.

            EXAMPLES:
              blip2 train stage1 --config manifests/stage1-vit-g.yaml
              blip2 train stage1 --config manifests/stage1-demo.yaml --data out/quickstart/dataset --output out/stage1
            """)

    @OptionGroup var options: RunOptions

    func run() async throws { try await options.train(PhaseOneStage.self) }
}
