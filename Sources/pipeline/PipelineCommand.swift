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
              pipeline plan --manifest cc3m.yaml               shows what would be built
              pipeline build --manifest cc3m.yaml --workers 2  builds it, or resumes an interrupted build
              pipeline status --output out/cc3m                shows its progress
              pipeline report out/cc3m                         writes an HTML page with images and captions
            """,
        version: softwareVersion,
        subcommands: [
            BuildCommand.self, PlanCommand.self, StatusCommand.self, CancelCommand.self, InspectCommand.self,
            VerifyCommand.self, ReportCommand.self, FetchCommand.self, DemoCommand.self, SampleListsCommand.self,
            JudgeCommand.self,
        ])

    static func main() async { await runToExit(Self.self) }
}
