import ArgumentParser
import Builds
import Commands
import Foundation
import Manifests
import Slurm
import Storage

/// Ends a build on a cluster.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel the jobs of a build on a cluster. What is finished stays; the same build command resumes.",
        discussion: """
            EXAMPLE:
              pipeline cancel --output /shared/cc3m
            """)

    @Option(help: ArgumentHelp("The output directory.", valueName: "dir")) var output: String
    @OptionGroup var logs: LogOptions

    func run() async throws {
        let jobs = try ClusterJobs(output: absolutePath(output), given: output)
        let count = try await jobs.cancel { line in StandardError.line(line) }
        let told = count == 0 ? "no jobs to cancel" : "cancelled; run the same command of pipeline build to resume"
        try printResult(told)
    }
}
