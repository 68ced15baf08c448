import ArgumentParser
import Builds
import Commands
import Logging
import Manifests
import Reports
import Storage

/// Reads every shard again and names what is damaged.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check checksums, index, members, images and table of every shard. Exits with 1 if one is damaged.",
        discussion: """
            EXAMPLE:
              pipeline verify out/cc3m
            """)

    @Argument(help: "The output directory.") var output: String
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func run() async throws {
        let dataset = Dataset(at: expandingHome(output))
        let result = try Verification(of: dataset) { if !json { printError($0) } }
        if !json {
            for path in result.others {
                StandardError.line("\(path): not in dataset.json, so not checked", level: .notice)
            }
        }
        if result.uncheckedTables > 0, !json {
            StandardError.line(
                "\(dataset.place(of: DatasetLayout.description)): of an older version, with no digests of tables: only their rows were "
                    + "compared; pipeline build adds the digests", level: .warning)
        }
        try printResult(
            json
                ? jsonText(result)
                : "\(Figures.counted(result.shards, "shard")), \(Figures.grouped(result.samples)) samples, "
                    + "\(Figures.grouped(result.rows)) rows, \(Figures.grouped(result.damaged.count)) damaged")
        if !result.damaged.isEmpty { throw ExitCode(CommandError.Code.failedWork.rawValue) }
    }
}
