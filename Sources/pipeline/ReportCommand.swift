import ArgumentParser
import Builds
import Commands
import Manifests
import Storage
import Tables

/// Makes the HTML report of an output.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a self-contained HTML page: images, captions, scores, what was left out and why.",
        discussion: """
            EXAMPLE:
              pipeline report out/cc3m            writes out/cc3m/report.html
            """)

    @Argument(help: "The output directory.") var output: String
    @Option(
        help: ArgumentHelp("The file to write; by default report.html in the output directory.", valueName: "file"))
    var to: String?
    @Option(help: "Number of images to show.") var samples = 60
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard samples >= 0 else { throw ValidationError("--samples: want 0 or more, not \(samples)") }
    }

    func run() async throws {
        let folder = expandingHome(output)
        do {
            let html = try reportHTML(of: Dataset(at: folder), galleryLimit: samples)
            let path = to ?? OutputDirectory(folder).path(DatasetLayout.report)
            try write(html.utf8, to: path)
            try printResult(path)
        } catch let error as StorageError {
            throw CommandError(.badInput, "\(error)")
        } catch let error as TableError {
            throw CommandError(.badInput, "\(error)")
        }
    }
}
