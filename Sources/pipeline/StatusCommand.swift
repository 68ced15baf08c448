import ArgumentParser
import Commands
import Coordination
import Foundation
import Reports
import Samples
import Storage

/// Says how far a build is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how far a build is: by source, rows left out by reason, workers. Works beside a running build.",
        discussion: """
            EXAMPLE:
              pipeline status --output out/cc3m
            """)

    @Option(help: ArgumentHelp("The output directory.", valueName: "dir")) var output: String
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func run() async throws {
        let directory = OutputDirectory(output)
        let path = directory.stateFolder + "/build.sqlite"
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandError(.badInput, "\(output): not an output of pipeline build: no \(path)")
        }
        let status: BuildStatus
        do {
            status = try SQLiteJobStore(reading: path).status()
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
        if json { return print(try jsonText(status)) }
        print(view(status).text(), terminator: "")
        for unit in status.failedUnits {
            print("failed for good: \(unit.unit.shardName), \(unit.failures) times: \(unit.message)")
        }
    }

    private func view(_ status: BuildStatus) -> StatusView {
        let now = Date()
        return StatusView(
            name: URL(fileURLWithPath: output).lastPathComponent, state: status.phase.rawValue,
            sources: status.sources.map { source in
                .init(
                    .init(
                        name: source.name, format: "", rows: source.publishedRows + source.rowsInFlight,
                        samples: source.samples, rejections: source.rejections.byReason),
                    plannedRows: source.rows, units: source.units,
                    publishedUnits: source.publishedUnits - source.draftUnits)
            },
            workers: status.workers.map { worker in
                .init(
                    name: worker.name, unit: "", rows: worker.counts.rows,
                    lastSeen: .seconds(max(0, now.timeIntervalSince(worker.seen))))
            },
            rowsPerSecond: status.rowsPerSecond)
    }
}
