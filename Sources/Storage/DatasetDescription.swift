package import Files
import Foundation

/// What `dataset.json` says: what was built, from what, and every published shard.
package struct DatasetDescription: Codable, Sendable, Equatable {
    package struct Shard: Codable, Sendable, Equatable {
        package let name: String
        package let source: String
        package let samples: Int
        package let bytes: Int
        package let sha256: String
        /// Of the table beside the shard; nil in a description that an older version wrote.
        package let tableBytes: Int?
        package let tableSHA256: String?

        package init(
            name: String, source: String, samples: Int, bytes: Int, sha256: String, tableBytes: Int?,
            tableSHA256: String?
        ) {
            self.name = name
            self.source = source
            self.samples = samples
            self.bytes = bytes
            self.sha256 = sha256
            self.tableBytes = tableBytes
            self.tableSHA256 = tableSHA256
        }

        private enum CodingKeys: String, CodingKey {
            case name, source, samples, bytes, sha256
            case tableBytes = "table_bytes"
            case tableSHA256 = "table_sha256"
        }
    }

    package struct Totals: Codable, Sendable, Equatable {
        package var shards = 0
        package var rows = 0
        package var samples = 0
        package var bytes = 0
        /// Rows by what became of them: `success`, or the reason.
        package var statuses: [String: Int] = [:]
        package init() {}
    }

    package var name: String
    package var manifestDigest: String
    /// Of each checkpoint's files, by role: `captioner`, `ranker`; empty where no model took part.
    package var modelDigests: [String: String]
    /// What the checkpoints call themselves, by role: a hub id or the folder's name.
    package var modelNames: [String: String]
    /// What a reader must know before believing the captions; empty where there is nothing.
    package var notice: String
    package var softwareVersion: String
    /// Whether every unit of the manifest is published.
    package var complete: Bool
    package var totals: Totals
    package var shards: [Shard]

    package init(
        name: String, manifestDigest: String, modelDigests: [String: String], modelNames: [String: String] = [:],
        notice: String = "", softwareVersion: String, complete: Bool, totals: Totals, shards: [Shard]
    ) {
        self.name = name
        self.manifestDigest = manifestDigest
        self.modelDigests = modelDigests
        self.modelNames = modelNames
        self.notice = notice
        self.softwareVersion = softwareVersion
        self.complete = complete
        self.totals = totals
        self.shards = shards
    }

    private enum CodingKeys: String, CodingKey {
        case name, notice, complete, totals, shards
        case manifestDigest = "manifest_digest"
        case modelDigests = "model_digests"
        case modelNames = "model_names"
        case softwareVersion = "software_version"
    }
}

extension DatasetDescription {
    /// What `dataset.json` holds.
    package func json() -> [UInt8] { encoded(self) }

    /// The same, to be written shard by shard: its one shard marks the place where they go.
    package func aroundShards() -> ListText {
        precondition(shards.count == 1, "one shard marks the place")
        return ListText(
            String(decoding: json(), as: UTF8.self), at: shards[0].element(), separator: ",\n    ")
    }

    /// `shards/sizes.json`, to be written shard by shard: where open_clip looks for the number of samples of each.
    package static let aroundSizes = ListText("{\n  *\n}\n", at: "*", separator: ",\n  ")
}

extension DatasetDescription.Shard {
    /// Its text in `dataset.json`.
    package func element() -> String {
        indented(String(decoding: encoded(self).dropLast(), as: UTF8.self), depth: 2)
    }

    /// Its text in `shards/sizes.json`.
    package var size: String { "\"\(name)\(DatasetLayout.shardEnding)\" : \(samples)" }
}

/// JSON with sorted keys, so that equal values are equal bytes.
private func encoded(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    do {
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    } catch {
        preconditionFailure("a description is plain data: \(error)")
    }
}
