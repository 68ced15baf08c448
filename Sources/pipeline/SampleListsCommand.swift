import ArgumentParser
import Commands
import Demonstrations
import Foundation

/// Writes lists in the shape of every source's.
struct SampleListsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-lists",
        abstract: "Write artificial lists in the format of every source, to try out manifests and planning.",
        discussion: """
            The files are laid out in DIR as the ready manifests expect them: if DIR is called `lists`, the manifests of
            `manifests/` can be planned from its parent folder.

            EXAMPLE:
              pipeline sample-lists --output lists --rows 1000
            """, shouldDisplay: false)

    @Option(help: ArgumentHelp("The directory to write to.", valueName: "dir")) var output: String
    @Option(help: "Number of rows in each list; each caption counts as one.") var rows = 1000
    @Option(help: "Write only LAION's list, in this many parts.") var laionParts: Int?
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard rows > 0 else { throw ValidationError("--rows: want at least 1, not \(rows)") }
        guard laionParts ?? 1 > 0 else { throw ValidationError("--laion-parts: want at least 1") }
    }

    func run() async throws {
        let lists = SampleLists(output, rows: rows)
        do {
            if let laionParts { try lists.writeLAION(parts: laionParts) } else { try lists.writeAll() }
        } catch {
            throw CommandError(.badInput, "\(output): cannot be written: \(error.localizedDescription)")
        }
    }
}
