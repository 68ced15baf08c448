import ArgumentParser
import Commands

/// The person's command for data.
@main
struct PipelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Builds image-text training sets from lists of images: fetch, caption, rank, keep the best, shard.",
        discussion: """
            EXAMPLES:
              pipeline plan --manifest cc3m.yaml               what would be built
              pipeline build --manifest cc3m.yaml --workers 2  builds it; run again, it goes on where it was
              pipeline status --output out/cc3m                how far it is
              pipeline report out/cc3m                         the pictures and captions on one HTML page
            """,
        version: softwareVersion,
        subcommands: [
            BuildCommand.self, PlanCommand.self, StatusCommand.self, InspectCommand.self, VerifyCommand.self,
            ReportCommand.self, FetchCommand.self, DemoCommand.self, SampleListsCommand.self, JudgeCommand.self,
        ])

    static func main() async { await runToExit(Self.self) }
}
