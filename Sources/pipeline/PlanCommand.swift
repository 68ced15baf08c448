import ArgumentParser
import Commands
import Files
import Foundation
import Manifests
import Reports
import Samples
import SourceAdapters

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

    /// What one source would become.
    struct SourcePlan: Encodable, Sendable {
        let name: String
        let format: String
        let captions: String
        let files: Int
        let rows: Int
        let units: Int
        /// An estimate of the shards' size, if every row were fetched.
        let bytes: Int
    }

    private struct Output: Encodable {
        let name: String
        let manifestDigest: String
        let sources: [SourcePlan]
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
        let folder = FileManager.default.temporaryDirectory.path + "/pipeline-plan-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // not there where all lists are local
        let manifest = try await LocalInputs(folder: folder, logger: logs.logger("pipeline"))
            .localized(written.resolved(besideFile: self.manifest.manifest))
        try requireImageRoots(manifest, self.manifest.manifest)
        let plans = try await abandonable { try Self.plans(manifest) }
        let output = Output(
            name: manifest.name, manifestDigest: written.digest().hex, sources: plans,
            rows: plans.reduce(0) { $0 + $1.rows }, units: plans.reduce(0) { $0 + $1.units },
            bytes: plans.reduce(0) { $0 + $1.bytes })
        if json { return try printResult(jsonText(output)) }
        let view = PlanView(
            name: output.name, output: written.output.isEmpty ? "–" : written.output,
            manifestDigest: output.manifestDigest,
            sources: zip(manifest.sources, plans).map { source, plan in
                let path = source.paths.first ?? ""
                let more = source.paths.count > 1 ? " and \(source.paths.count - 1) more" : ""
                return .init(
                    name: plan.name, format: plan.format, path: path + more, rows: plan.rows, units: plan.units)
            },
            estimatedByteCount: output.bytes)
        try printResult(view.text(), terminator: "")
    }

    private static func plans(_ manifest: Manifest) throws -> [SourcePlan] {
        do {
            try examineExclusions(manifest)
            for source in manifest.sources { try requireFetchable(source, manifest) }
            return try manifest.sources.map { try plan($0, manifest) }
        } catch let error as SourceError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    private static func plan(_ source: Source, _ manifest: Manifest) throws -> SourcePlan {
        var (rows, units) = (0, 0)
        let adapter = try makeAdapter(for: source, needsDigests: manifest.fetch.verifyDigests && source.hasDigests)
        try adapter.plan(unitRows: manifest.shard.samples, limit: source.limit) { range in
            rows += range.rowCount
            units += 1
            try Task.checkCancellation()
        }
        return SourcePlan(
            name: source.name, format: source.format.rawValue, captions: source.captions.rawValue,
            files: source.paths.count, rows: rows, units: units, bytes: rows * manifest.image.estimatedByteCount)
    }

}

extension Manifest.Image {
    /// About how many bytes a stored image of this size has, with its captions: 0.5 bytes a pixel of a 4:3 picture.
    fileprivate var estimatedByteCount: Int { size * size * 4 / 3 / 2 + 6000 }
}
