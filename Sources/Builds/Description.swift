import Commands
import Coordination
import Foundation
import Manifests
package import Reports
package import Samples
package import Storage

/// Writes `dataset.json`, `croissant.json`, `README.md`, `manifest.yaml` and `shards/sizes.json` from what the store says is
/// published.
///
/// A card that a person has edited stays as it is; answers whether it was written.
func writeDescription(
    _ manifest: Manifest, _ status: BuildStatus, _ keeper: ShardKeeper, _ checkpoints: Checkpoints
) throws -> Bool {
    let (name, output, store) = (manifest.name, keeper.output, keeper.store)
    let formats = Dictionary(manifest.sources.map { ($0.name, $0.format.rawValue) }) { first, _ in first }
    var published: [PublishedUnit] = []
    try store.forEachPublished { if !$0.isDraft { published.append($0) } }
    var totals = DatasetDescription.Totals()
    for unit in published {
        totals.shards += 1
        totals.rows += unit.unit.rowCount
        totals.samples += unit.result.samples
        totals.bytes += unit.result.byteCount
        totals.statuses.merge(unit.result.rejections, uniquingKeysWith: +)
    }
    if totals.samples > 0 { totals.statuses["success"] = totals.samples }
    let description = DatasetDescription(
        name: name, manifestDigest: status.manifestDigest.hex, modelDigests: checkpoints.digests,
        modelNames: checkpoints.names, notice: checkpoints.notice, softwareVersion: status.softwareVersion,
        complete: status.phase == .finished, totals: totals,
        shards: published.map { unit in
            .init(
                name: unit.unit.shardName, source: unit.unit.source, samples: unit.result.samples,
                bytes: unit.result.byteCount, sha256: unit.result.digest.hex, tableBytes: unit.result.tableByteCount,
                tableSHA256: unit.result.tableDigest.hex)
        })
    let facts = DatasetFacts(
        name: name, notice: checkpoints.notice.isEmpty ? nil : checkpoints.notice,
        manifestDigest: status.manifestDigest.hex, softwareVersion: status.softwareVersion,
        imageExtension: manifest.image.format == .webp ? "webp" : "jpg", models: description.models,
        sources: sourceFacts(published, formats),
        shards: published.map { unit in
            .init(
                name: unit.unit.shardName, source: unit.unit.source, samples: unit.result.samples,
                byteCount: unit.result.byteCount, digest: unit.result.digest,
                table: (unit.result.tableByteCount, unit.result.tableDigest))
        })
    let isCardOurs = try output.writeCard(Array(DatasetCard(facts).markdown().utf8))
    try output.write(Array(manifest.yaml().utf8), to: DatasetLayout.manifest)
    try output.write(Array(try Croissant(facts).json().utf8), to: DatasetLayout.croissant)
    try output.write(description.sizes(), to: DatasetLayout.sizes)
    try output.write(description.json(), to: DatasetLayout.description)
    return isCardOurs
}

/// What became of the published rows, by source, in the order of the manifest.
private func sourceFacts(_ published: [PublishedUnit], _ formats: [String: String]) -> [DatasetFacts.Source] {
    var order: [String] = []
    var units: [String: [PublishedUnit]] = [:]
    for unit in published {
        if units[unit.unit.source] == nil { order.append(unit.unit.source) }
        units[unit.unit.source, default: []].append(unit)
    }
    return order.map { name in
        let units = units[name] ?? []
        let rejections = units.reduce(into: [String: Int]()) { $0.merge($1.result.rejections, uniquingKeysWith: +) }
        return DatasetFacts.Source(
            name: name, format: formats[name] ?? "", rows: units.reduce(0) { $0 + $1.unit.rowCount },
            samples: units.reduce(0) { $0 + $1.result.samples }, rejections: rejections.byReason)
    }
}

extension [String: Int] {
    /// Counts by reason; names that are no reason are left out.
    package var byReason: [Rejection.Reason: Int] {
        reduce(into: [:]) { result, entry in
            if let reason = Rejection.Reason(rawValue: entry.key) { result[reason] = entry.value }
        }
    }
}

extension DatasetDescription {
    /// The checkpoints that took part.
    package var models: [DatasetFacts.Model] {
        modelDigests.sorted { $0.key < $1.key }.map { role, digest in
            DatasetFacts.Model(role: role, name: modelNames[role] ?? "", digest: digest)
        }
    }
}
