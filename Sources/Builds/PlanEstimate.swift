import Commands
import Files
import Foundation
package import Logging
package import Manifests
import Samples
import SourceAdapters

/// What a build would do: sources, rows, units, bytes.
package struct PlanEstimate: Sendable {
    /// What one source would become.
    package struct Source: Encodable, Sendable {
        package let name: String
        package let format: String
        package let captions: String
        package let files: Int
        package let rows: Int
        package let units: Int
        /// An estimate of the shards' size, if every row were fetched.
        package let bytes: Int
    }

    package let sources: [Source]
    /// The first file of each source.
    package let firstPaths: [String]
    package var rows: Int { sources.reduce(0) { $0 + $1.rows } }
    package var units: Int { sources.reduce(0) { $0 + $1.units } }
    package var bytes: Int { sources.reduce(0) { $0 + $1.bytes } }

    /// Reads the lists of `written`, which stands in `file`; those from elsewhere are brought to a temporary folder meanwhile.
    package init(_ written: Manifest, file: String, logger: Logger) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/pipeline-plan-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // not there where all lists are local
        let manifest = try await LocalInputs(folder: folder, logger: logger)
            .localized(written.resolved(besideFile: file))
        try requireImageRoots(manifest, file)
        sources = try await abandonable { try Self.sources(manifest) }
        firstPaths = manifest.sources.map { $0.paths.first ?? "" }
    }

    private static func sources(_ manifest: Manifest) throws -> [Source] {
        do {
            try examineExclusions(manifest)
            for source in manifest.sources { try requireFetchable(source, manifest) }
            return try manifest.sources.map { try estimate($0, manifest) }
        } catch let error as SourceError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    private static func estimate(_ source: Manifests.Source, _ manifest: Manifest) throws -> Source {
        var (rows, units) = (0, 0)
        let adapter = try makeAdapter(for: source, needsDigests: manifest.fetch.verifyDigests && source.hasDigests)
        try adapter.plan(unitRows: manifest.shard.samples, limit: source.limit) { range in
            rows += range.rowCount
            units += 1
            try Task.checkCancellation()
        }
        return Source(
            name: source.name, format: source.format.rawValue, captions: source.captions.rawValue,
            files: source.paths.count, rows: rows, units: units, bytes: rows * manifest.image.estimatedByteCount)
    }
}

extension Manifest.Image {
    /// About how many bytes a stored image of this size has, with its captions: 0.5 bytes a pixel of a 4:3 picture.
    fileprivate var estimatedByteCount: Int { size * size * 4 / 3 / 2 + 6000 }
}
