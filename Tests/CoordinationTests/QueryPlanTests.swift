import Databases
import Foundation
import Samples
import TestSupport
import Testing

@testable import Coordination

/// Every question about units is answered by the index made for it, however many units there are.
@Suite struct QueryPlanTests {
    /// Conditions on units, with the build as `$1` and a number as `$2`, and the index that answers them.
    private static let questions: [(condition: String, index: String)] = [
        ("worker = 'w' AND state IN ('leased', 'publishing') AND number > $2", "unit_held"),
        ("state = 'leased' AND expires <= $2 ORDER BY expires LIMIT 1000", "unit_expiring"),
        ("state = 'publishing' AND expires <= $2", "unit_publishing"),
        ("state = 'failed' AND (source, number) > (0, 5) ORDER BY source, number LIMIT $2", "unit_failed"),
    ]

    /// Which units are leased.
    private static let due = [SQLTransaction.waiting, SQLTransaction.fresh]

    @Test("in SQLite")
    func sqlite() async throws {
        try await withTemporaryFolder { folder in
            let store = try someFileStore(in: folder)
            for (condition, index) in Self.questions {
                let plan = try store.read("look") { session in
                    try session.query(
                        "EXPLAIN QUERY PLAN " + unitQuery(condition), [.text(store.id.text), .integer(9)]
                    )
                    .map { try $0.text("detail") }
                }
                #expect(plan.contains { $0.contains("INDEX \(index)") }, "\(condition): \(plan)")
                #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(condition): \(plan)")
            }
            for condition in Self.due {
                let plan = try store.read("look") { session in
                    let text = "EXPLAIN QUERY PLAN " + SQLTransaction.leasing(condition, 16, .sqlite)
                    return try session.query(
                        text, [.text(store.id.text)] + [SQLValue](repeating: .integer(1), count: 4)
                    )
                    .map { try $0.text("detail") }
                }
                #expect(plan.contains { $0.contains("INDEX unit_waiting") }, "\(condition): \(plan)")
                let whole = plan.contains { $0.contains("SCAN unit") || $0.contains("TEMP B-TREE") }
                #expect(!whole && plan.contains { $0.contains("number=?") }, "\(condition): \(plan)")
            }
        }
    }

    @Test(
        "in PostgreSQL, also where it plans for any number",
        .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)), arguments: [false, true])
    func postgresql(statisticsAreOld: Bool) throws {
        let store = try SQLJobStore(someServerDatabase(schema: "coordination"), build: .random())
        let sources = [someSource("a", units: 5000), someSource("b", units: 10)]
        #expect(try Planner(store: store).plan(someBuild(), sources: sources) == .planned)
        try store.write("look") { session in
            try session.run(script: "ANALYZE unit; SET LOCAL plan_cache_mode = force_generic_plan")
            // At the beginning the primary key is the smaller index, and in the order of numbers too.
            try checkLeasing(store.id, session)
            try checkHolding(store.id, session)
            try prepareMiddle(store.id, session)
            if !statisticsAreOld { try session.run(script: "ANALYZE unit") }
            try check(Self.questions, store.id, session)
            try checkLeasing(store.id, session)
            try checkHolding(store.id, session)
        }
    }

    /// What a build looks like in its middle.
    private func prepareMiddle(_ build: BuildID, _ session: any SQLSession) throws {
        let states = [
            ("published", 0, 3000), ("failed", 3000, 3200), ("leased", 3200, 4200), ("publishing", 4200, 4300),
        ]
        for (state, first, end) in states {
            try session.execute(
                """
                UPDATE unit SET state = $2, worker = 'w' || number % 500, expires = number
                WHERE build = $1 AND source = 0 AND number >= $3 AND number < $4
                """, [.text(build.text), .text(state), .integer(first), .integer(end)])
        }
    }

    private func check(
        _ questions: [(condition: String, index: String)], _ build: BuildID, _ session: any SQLSession
    ) throws {
        for (condition, index) in questions {
            try session.run(script: "PREPARE question (text, bigint) AS \(unitQuery(condition))")
            let plan = try session.query("EXPLAIN EXECUTE question ('\(build)', 9)").map { try $0.text("QUERY PLAN") }
            #expect(plan.contains { $0.contains(" \(index) ") }, "\(condition): \(plan)")
            // What is held is bounded by the workers, and may be sorted.
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(condition): \(plan)")
            try session.run(script: "DEALLOCATE question")
        }
    }

    /// Whoever holds a unit finds it by its key.
    private func checkHolding(_ build: BuildID, _ session: any SQLSession) throws {
        for states in [SQLTransaction.isIn("leased"), SQLTransaction.isIn("publishing"), "lower(state) = 'leased'"] {
            let text = "UPDATE unit SET expires = 1 WHERE \(SQLTransaction.isHolder) AND \(states)"
            try session.run(script: "PREPARE question (text, bigint, bigint, text, text, bigint) AS \(text)")
            let plan = try session.query("EXPLAIN EXECUTE question ('\(build)', 0, 4250, 'w250', 'i', 1)")
                .map { try $0.text("QUERY PLAN") }
            #expect(plan.contains { $0.contains(" unit_pkey ") }, "\(states): \(plan)")
            try session.run(script: "DEALLOCATE question")
        }
    }

    private func checkLeasing(_ build: BuildID, _ session: any SQLSession) throws {
        for condition in Self.due {
            let text = SQLTransaction.leasing(condition, 16, .postgresql)
            try session.run(script: "PREPARE question (text, text, text, text, bigint) AS \(text)")
            let plan = try session.query("EXPLAIN EXECUTE question ('\(build)', 'w', 'i', 'r', 9)")
                .map { try $0.text("QUERY PLAN") }
            #expect(plan.contains { $0.contains(" unit_waiting ") }, "\(condition): \(plan)")
            // What waits may be millions of units.
            #expect(!plan.contains { $0.contains("Seq Scan") || $0.contains("Sort") }, "\(condition): \(plan)")
            try session.run(script: "DEALLOCATE question")
        }
    }
}
