import ArgumentParser
import Builds
import Commands
import Fetching
import Foundation
import Images
import Manifests
import Samples
import SourceAdapters
import Stages

/// Says what becomes of one URL.
struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Fetch, check, decode and resize one URL by a manifest's rules, and explain the result.",
        discussion: """
            To find out why a row failed. Uses the same code as a build, and writes only the image given by --output.
            Of the manifest, fetch, image and exclude.digests apply; filters and other lists apply to rows, not URLs.
            Exits with 1 if the image would be left out.

            EXAMPLES:
              pipeline fetch https://example.com/cat.jpg
              pipeline fetch https://example.com/cat.jpg --manifest cc3m.yaml --output cat.jpg
            """)

    @Argument(help: "The image's URL.") var url: String
    @Option(help: ArgumentHelp("The manifest whose rules apply; by default the default rules.", valueName: "file"))
    var manifest: String?
    @Option(help: ArgumentHelp("Write the image, as a shard would store it, to this file.", valueName: "file"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "Allow this address although the rules forbid it, such as 127.0.0.1:8080; repeatable.",
            valueName: "host:port"))
    var allow: [String] = []
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func run() async throws {
        let (manifest, excluded) = try await rules()
        var policy = FetchPolicy(manifest)
        policy.allowedEndpoints = Set(allow)
        // A person waits: what is the matter now is what is asked for.
        (policy.patience, policy.outage) = (.zero, .zero)
        let fetcher = CurlFetcher(policy: policy, connections: 1, seed: manifest.seed)
        defer { fetcher.close() }
        let stage = ImageStage(manifest: manifest, fetcher: fetcher, excluded: excluded)
        let row: PreparedRow
        do {
            row = try await stage.run(url: url)
        } catch {
            throw CommandError(.failedWork, "\(url): \(error)")
        }
        let result = FetchResult(url, row)
        if let output, let image = result.image { try write(image.bytes, to: output) }
        try printResult(json ? jsonText(result.facts) : result.line)
        guard result.image != nil else { throw ExitCode(CommandError.Code.failedWork.rawValue) }
    }

    /// The manifest whose rules apply, and the bytes that must not be kept.
    private func rules() async throws -> (Manifest, DigestList) {
        guard let path = manifest else {
            do {
                let defaults = "{version: 1, name: url, sources: [{name: url, format: csv, path: '-'}]}"
                return (try Manifest(yaml: defaults), DigestList())
            } catch {
                preconditionFailure("the defaults are a manifest: \(error)")
            }
        }
        let rules = try readManifest(path)
        // Of the lists only these are looked at, and brought here if they are elsewhere.
        var lists = rules.resolved(besideFile: path)
        lists.sources = []
        (lists.exclude.urls, lists.exclude.images) = ([], [])
        let folder = FileManager.default.temporaryDirectory.path + "/pipeline-fetch-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // not there where all lists are local
        lists = try await LocalInputs(folder: folder, logger: logs.logger("pipeline")).localized(lists)
        do {
            return (rules, try DigestList(paths: lists.exclude.digests))
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
    }
}

/// What became of a URL.
private struct FetchResult {
    struct Facts: Encodable {
        let url: String
        let status: String
        let message: String?
        let httpStatus: Int?
        let finalURL: String?
        let fetchedBytes: Int
        let sha256: String?
        let originalWidth: Int?
        let originalHeight: Int?
        let width: Int?
        let height: Int?
        let storedBytes: Int?

        private enum CodingKeys: String, CodingKey {
            case url, status, message, sha256, width, height
            case httpStatus = "http_status"
            case finalURL = "final_url"
            case fetchedBytes = "fetched_bytes"
            case originalWidth = "original_width"
            case originalHeight = "original_height"
            case storedBytes = "stored_bytes"
        }
    }

    let facts: Facts
    let image: StoredImage?

    init(_ url: String, _ row: PreparedRow) {
        switch row {
        case .encoded(let row):
            image = row.image
            facts = Facts(
                url: url, status: "success", message: nil, httpStatus: row.answer.httpStatus,
                finalURL: row.answer.finalURL, fetchedBytes: row.fetchedByteCount, sha256: row.sha256.hex,
                originalWidth: row.original.width, originalHeight: row.original.height, width: row.image.size.width,
                height: row.image.size.height, storedBytes: row.image.bytes.count)
        case .leftOut(let row):
            image = nil
            facts = Facts(
                url: url, status: row.rejection.reason.rawValue, message: row.rejection.message,
                httpStatus: row.answer.httpStatus, finalURL: row.answer.finalURL, fetchedBytes: row.fetchedByteCount,
                sha256: row.sha256?.hex, originalWidth: row.original?.width, originalHeight: row.original?.height,
                width: nil, height: nil, storedBytes: nil)
        }
    }

    /// For a person.
    var line: String {
        var parts = ["\(facts.status)"]
        if let message = facts.message, !message.isEmpty { parts[0] += ": \(message)" }
        if let status = facts.httpStatus { parts.append("HTTP \(status)") }
        if let final = facts.finalURL, final != facts.url { parts.append("from \(final)") }
        if facts.fetchedBytes > 0 { parts.append("\(facts.fetchedBytes) bytes") }
        if let width = facts.originalWidth, let height = facts.originalHeight { parts.append("\(width)x\(height)") }
        if let width = facts.width, let height = facts.height, let bytes = facts.storedBytes {
            parts.append("stored as \(width)x\(height), \(bytes) bytes")
        }
        return parts.joined(separator: "; ")
    }
}
