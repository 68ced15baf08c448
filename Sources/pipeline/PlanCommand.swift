import ArgumentParser
import Builds
import Commands
import Manifests
import Reports
import Samples

/// Says what a build would do.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a build would do: sources, rows, work units, bytes. Writes nothing.",
        discussion: """
            Lists at http, https and s3 addresses are downloaded to a temporary folder; compressed lists are unpacked there.

            EXAMPLE:
              pipeline plan --manifest manifests/quickstart.yaml
            """)

    @OptionGroup var manifest: ManifestOption
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    private struct Output: Encodable {
        let name: String
        let manifestDigest: String
        let sources: [PlanEstimate.Source]
        let rows: Int
        let units: Int
        let bytes: Int

        private enum CodingKeys: String, CodingKey {
            case name, sources, rows, units, bytes
            case manifestDigest = "manifest_digest"
        }
    }

    func run() async throws {
        let written = try manifest.read()
        let plan = try await PlanEstimate(written, file: manifest.manifest, logger: logs.logger("pipeline"))
        let output = Output(
            name: written.name, manifestDigest: written.digest().hex, sources: plan.sources, rows: plan.rows,
            units: plan.units, bytes: plan.bytes)
        if json { return try printResult(jsonText(output)) }
        let view = PlanView(
            name: output.name, output: written.output.isEmpty ? "–" : written.output,
            manifestDigest: output.manifestDigest,
            sources: zip(plan.sources, plan.firstPaths).map { source, path in
                let more = source.files > 1 ? " and \(source.files - 1) more" : ""
                return .init(
                    name: source.name, format: source.format, path: path + more, rows: source.rows,
                    units: source.units)
            },
            estimatedByteCount: output.bytes)
        try printResult(view.text(), terminator: "")
    }
}
