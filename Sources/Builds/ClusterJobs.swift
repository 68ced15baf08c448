package import Commands
import Files
import Foundation
import Slurm
import Storage

/// The jobs of a build that was given to a Slurm cluster, found by its output.
package struct ClusterJobs: Sendable {
    private let names: JobNames
    private let slurm: SlurmCommands
    private let output: String

    /// Where a build notes that its jobs were submitted, and under which name.
    static func notePath(_ output: String) -> String { OutputDirectory(output).path(DatasetLayout.jobName) }

    /// Whether the build of `output` was given to a cluster.
    package static func exist(_ output: String) -> Bool { FileManager.default.fileExists(atPath: notePath(output)) }

    /// The jobs of the build of `output`, an absolute path; `given` is how its user wrote it.
    ///
    /// - Throws: Where no such build was submitted from there.
    package init(output: String, given: String) throws(CommandError) {
        guard let data = FileManager.default.contents(atPath: Self.notePath(output)) else {
            let isOutput = FileManager.default.fileExists(atPath: OutputDirectory(output).stateFolder)
            throw CommandError(
                .badInput,
                isOutput
                    ? "\(given): not built by --engine slurm: interrupt the build where it runs"
                    : "\(given): not an output of pipeline build")
        }
        self.output = output
        names = JobNames(name: String(decoding: data, as: UTF8.self), output: output)
        slurm = SlurmCommands()
    }

    /// Notes that the build `name` of `output` has jobs.
    static func note(name: String, output: String) throws(FileError) {
        try writeFile(Array(name.utf8), to: notePath(output), through: notePath(output) + ".partial")
    }

    /// What Slurm knows of them, in one line.
    package func summary() async throws(CommandError) -> String {
        do { return JobSummary(try await slurm.jobs(named: names.all), names).text } catch { throw CommandError(error) }
    }

    /// Cancels them, the workers first, and waits until they have ended; gives how many there were.
    package func cancel(_ say: (String) -> Void) async throws -> Int {
        do {
            let alive = try await slurm.jobs(named: names.all).filter(\.isAlive)
            guard !alive.isEmpty else { return 0 }
            say(JobSummary(alive, names).text)
            // The workers first, while there is a coordinator to take back what they hold.
            for wave in [names.workers, [names.job("coordinator")]] {
                try await slurm.cancel(named: wave)
                while try await slurm.jobs(named: wave).contains(where: \.isAlive) {
                    try await Task.sleep(for: .seconds(1))
                }
            }
            return alive.count
        } catch let error as SlurmError {
            throw CommandError(error)
        }
    }
}
