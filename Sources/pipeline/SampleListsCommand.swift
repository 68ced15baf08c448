import ArgumentParser
import Commands
import Demonstrations
import Foundation

/// Writes lists in the shape of every source's.
struct SampleListsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-lists",
        abstract: "Write made-up lists in the shape of every source's, to try manifests and planning out.",
        discussion: """
            The files lie below DIR as the ready manifests have them: from DIR's parent folder, a manifest of `manifests/`
            can be planned when DIR is called `lists`.

            EXAMPLE:
              pipeline sample-lists --output lists --rows 1000
            """, shouldDisplay: false)

    @Option(help: ArgumentHelp("Where the files go.", valueName: "dir")) var output: String
    @Option(help: "How many rows each list has, captions counted.") var rows = 1000
    @Option(help: "Write LAION's list only, in so many parts.") var laionParts: Int?
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
