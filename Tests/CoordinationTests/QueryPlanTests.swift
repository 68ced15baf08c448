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
        ("state = 'waiting' ORDER BY failures, source, number LIMIT $2", "unit_waiting"),
        ("state = 'waiting' AND failures < 1 ORDER BY failures, source, number LIMIT $2", "unit_waiting"),
        ("worker = 'w' AND state IN ('leased', 'publishing') AND number > $2", "unit_held"),
        ("state = 'leased' AND expires <= $2 ORDER BY expires LIMIT 1000", "unit_expiring"),
        ("state = 'publishing' AND expires <= $2", "unit_publishing"),
        ("state = 'failed' AND (source, number) > (0, 5) ORDER BY source, number LIMIT $2", "unit_failed"),
    ]

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
            try check(Self.questions.filter { $0.index == "unit_waiting" }, store.id, session)
            try prepareMiddle(store.id, session)
            if !statisticsAreOld { try session.run(script: "ANALYZE unit") }
            try check(Self.questions, store.id, session)
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
            let locking = condition.contains("'waiting'") ? " FOR UPDATE SKIP LOCKED" : ""
            try session.run(script: "PREPARE question (text, bigint) AS \(unitQuery(condition))\(locking)")
            let plan = try session.query("EXPLAIN EXECUTE question ('\(build)', 9)").map { try $0.text("QUERY PLAN") }
            #expect(plan.contains { $0.contains(" \(index) ") }, "\(condition): \(plan)")
            // What waits may be millions of units; what is held is bounded by the workers, and may be sorted.
            let isBad = plan.contains { $0.contains("Seq Scan") || !locking.isEmpty && $0.contains("Sort") }
            #expect(!isBad, "\(condition): \(plan)")
            try session.run(script: "DEALLOCATE question")
        }
    }
}
