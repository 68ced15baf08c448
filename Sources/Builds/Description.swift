import Commands
import Coordination
import Files
import Foundation
import Manifests
package import Reports
package import Samples
package import Storage

/// Writes `dataset.json`, `croissant.json`, `README.md`, `manifest.yaml` and `shards/sizes.json` from what the store says is
/// published.
///
/// Shards are read page by page, once to count them and once to write them, however many there are; one that is published in between
/// waits for the next time. A card that a person has edited stays as it is; answers whether it was written.
///
/// - Throws: `deposed` where another coordinator has taken over: what this one knows may be old, and nothing is replaced.
func writeDescription(
    _ manifest: Manifest, _ status: BuildStatus, _ keeper: ShardKeeper, _ checkpoints: Checkpoints
) throws -> Bool {
    let (output, store) = (keeper.output, keeper.store)
    var survey = Survey()
    try store.forEachPublished { survey.add($0) }
    func description(_ shards: [DatasetDescription.Shard]) -> DatasetDescription {
        DatasetDescription(
            name: manifest.name, manifestDigest: status.manifestDigest.hex, modelDigests: checkpoints.digests,
            modelNames: checkpoints.names, notice: checkpoints.notice, softwareVersion: status.softwareVersion,
            complete: status.phase == .finished, totals: survey.totals, shards: shards)
    }
    func facts(_ shards: [PublishedUnit]) -> DatasetFacts {
        DatasetFacts(
            name: manifest.name, notice: checkpoints.notice.isEmpty ? nil : checkpoints.notice,
            manifestDigest: status.manifestDigest.hex, softwareVersion: status.softwareVersion,
            imageExtension: manifest.image.format == .webp ? "webp" : "jpg", models: description([]).models,
            sources: survey.sources(manifest), shards: shards.map(DatasetFacts.Shard.init),
            all: (survey.totals.shards, survey.totals.bytes))
    }
    try keeper.server?.requireLead()
    let isCardOurs = try output.writeCard(Array(DatasetCard(facts(survey.ends)).markdown().utf8))
    try output.write(Array(manifest.yaml().utf8), to: DatasetLayout.manifest)
    guard let first = survey.ends.first else {
        try output.write(Array(try Croissant(facts([])).json().utf8), to: DatasetLayout.croissant)
        try output.write(Array("{\n\n}\n".utf8), to: DatasetLayout.sizes)
        try output.write(description([]).json(), to: DatasetLayout.description)
        return isCardOurs
    }
    let texts = (
        description: description([.init(first)]).aroundShards(), croissant: try Croissant(facts([first])).aroundShards()
    )
    // The description is put in place last: what it names is described elsewhere too.
    try output.write(to: DatasetLayout.description) { file in
        var shards = ListText.Writer(texts.description, to: file)
        try output.write(to: DatasetLayout.sizes) { file in
            var sizes = ListText.Writer(DatasetDescription.aroundSizes, to: file)
            try output.write(to: DatasetLayout.croissant) { file in
                var files = ListText.Writer(texts.croissant, to: file)
                try store.forEachPublished { unit in
                    guard survey.contains(unit) else { return }
                    let shard = DatasetDescription.Shard(unit)
                    try shards.add(shard.element())
                    try sizes.add(shard.size)
                    try files.add(Croissant.element(DatasetFacts.Shard(unit)))
                }
                try files.end()
                try keeper.server?.requireLead()  // it may have been stopped since
            }
            try sizes.end()
        }
        try shards.end()
    }
    return isCardOurs
}

/// What is published, counted.
private struct Survey {
    private struct Source {
        var rows = 0
        var samples = 0
        var rejections: [String: Int] = [:]
        /// The numbers of the published units.
        var units = IndexSet()
    }

    private var sources: [String: Source] = [:]
    private var order: [String] = []
    private(set) var totals = DatasetDescription.Totals()
    /// The first published unit, and the last of its source; one, where there is no other.
    private(set) var ends: [PublishedUnit] = []

    mutating func add(_ unit: PublishedUnit) {
        guard !unit.isDraft else { return }
        totals.shards += 1
        totals.rows += unit.unit.rowCount
        totals.samples += unit.result.samples
        totals.bytes += unit.result.byteCount
        totals.statuses.merge(unit.result.rejections, uniquingKeysWith: +)
        totals.statuses["success"] = totals.samples > 0 ? totals.samples : nil
        let name = unit.unit.source
        if sources[name] == nil { order.append(name) }
        sources[name, default: Source()].rows += unit.unit.rowCount
        sources[name, default: Source()].samples += unit.result.samples
        sources[name, default: Source()].rejections.merge(unit.result.rejections, uniquingKeysWith: +)
        sources[name, default: Source()].units.insert(unit.unit.index)
        if ends.first.map({ $0.unit.source == name }) ?? true { ends = (ends.first.map { [$0] } ?? []) + [unit] }
    }

    /// Whether `unit` was counted.
    func contains(_ unit: PublishedUnit) -> Bool {
        !unit.isDraft && sources[unit.unit.source]?.units.contains(unit.unit.index) == true
    }

    /// What became of the published rows, by source, in the order of the manifest.
    func sources(_ manifest: Manifest) -> [DatasetFacts.Source] {
        order.map { name in
            let source = sources[name] ?? Source()
            return DatasetFacts.Source(
                name: name, format: manifest.source(named: name)?.format.rawValue ?? "", rows: source.rows,
                samples: source.samples, rejections: source.rejections.byReason)
        }
    }
}

extension DatasetDescription.Shard {
    fileprivate init(_ unit: PublishedUnit) {
        let result = unit.result
        self.init(
            name: unit.unit.shardName, source: unit.unit.source, samples: result.samples, bytes: result.byteCount,
            sha256: result.digest.hex, tableBytes: result.tableByteCount, tableSHA256: result.tableDigest.hex)
    }
}

extension DatasetFacts.Shard {
    fileprivate init(_ unit: PublishedUnit) {
        self.init(
            name: unit.unit.shardName, source: unit.unit.source, samples: unit.result.samples,
            byteCount: unit.result.byteCount, digest: unit.result.digest,
            table: (unit.result.tableByteCount, unit.result.tableDigest))
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
