import Databases
import Foundation
import Samples

/// The columns that `workUnit` reads, of the table `unit`, and those that say where the unit stands.
let unitColumns = """
    unit.source AS source, unit.number AS number, unit.first_row AS first_row, unit.row_count AS row_count, \
    unit.start_file AS start_file, unit.start_offset AS start_offset, unit.start_companion AS start_companion, \
    unit.state AS state, unit.generation AS generation, unit.failures AS failures, unit.last_error AS last_error, \
    unit.worker AS worker, unit.incarnation AS incarnation, unit.request AS request, unit.publishing AS publishing
    """

/// Selects units of the build `$1` where `condition` holds.
func unitQuery(_ condition: String) -> String { "SELECT \(unitColumns) FROM unit WHERE build = $1 AND \(condition)" }

/// Selects published units of the build `$1` where `condition` holds.
func shardQuery(_ condition: String) -> String {
    """
    SELECT \(unitColumns), shard.generation AS shard_generation, shard.result AS result, shard.is_draft AS is_draft
    FROM shard JOIN unit ON unit.build = shard.build AND unit.source = shard.source AND unit.number = shard.number
    WHERE shard.build = $1 AND \(condition)
    """
}

/// The names of a build's sources, by position, and what rows say in these terms.
struct SourceNames: Sendable {
    let build: BuildID
    let names: [String]

    /// The first parameters of a statement about `unit`: build, source and number; nil where the build has no such source.
    func key(_ unit: UnitID) -> [SQLValue]? {
        guard unit.build == build, let position = names.firstIndex(of: unit.source) else { return nil }
        return [.text(build.text), .integer(position), .integer(unit.index)]
    }

    /// The first parameters of a statement about what comes after `unit`, or after nothing.
    func cursor(_ unit: UnitID?) -> [SQLValue] {
        unit.flatMap(key) ?? [.text(build.text), .integer(-1), .integer(-1)]
    }

    private func name(_ row: SQLRow) throws -> String {
        let position = try row.integer("source")
        guard names.indices.contains(position) else {
            throw DatabaseError(.unexpected, "source \(position)", "not a source of build \(build)")
        }
        return names[position]
    }

    /// The unit in a row of `unitQuery` or `shardQuery`.
    func workUnit(_ row: SQLRow) throws -> WorkUnit {
        WorkUnit(
            source: try name(row), index: try row.integer("number"), firstRow: try row.integer("first_row"),
            rowCount: try row.integer("row_count"),
            start: InputPosition(
                file: try row.integer("start_file"), offset: try row.integer("start_offset"),
                companion: try row.integer("start_companion")))
    }

    /// The lease in a row of a unit that is held.
    func lease(_ row: SQLRow) throws -> Lease {
        Lease(
            unit: UnitID(build: build, source: try name(row), index: try row.integer("number")),
            worker: try row.text("worker"), incarnation: try row.text("incarnation"),
            generation: try row.integer("generation"))
    }

    /// The published unit in a row of `shardQuery`.
    func published(_ row: SQLRow) throws -> PublishedUnit {
        PublishedUnit(
            unit: try workUnit(row), generation: try row.integer("shard_generation"),
            result: try unitResult(row.text("result")), isDraft: try row.flag("is_draft"))
    }

    /// The unit that failed for good, in a row of `unitQuery`.
    func failed(_ row: SQLRow) throws -> FailedUnit {
        FailedUnit(
            unit: try workUnit(row), failures: try row.integer("failures"),
            message: try row.optionalText("last_error") ?? "")
    }
}

/// A result as the store holds it.
func unitResult(_ text: String) throws -> UnitResult { try decodeJSON(UnitResult.self, from: Data(text.utf8)) }

/// How the store holds `value`.
func storedText(_ value: some Encodable) throws -> String { String(decoding: try encodeJSON(value), as: UTF8.self) }

/// The digest that the store holds as `hex`.
func digest(_ hex: String) throws -> ContentDigest {
    guard let digest = ContentDigest(hex: hex) else {
        throw DatabaseError(.unexpected, "manifest_digest", "\(hex) is no digest")
    }
    return digest
}
