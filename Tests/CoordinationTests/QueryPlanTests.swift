import Databases
import Samples
import Testing

@testable import Coordination

@Suite struct QueryPlanTests {
    @Test("every question about units is answered by its index, however many units there are")
    func sqlite() async throws {
        try await withTemporaryFolder { folder in
            let store = try someFileStore(in: folder)
            let questions = [
                ("state = 'waiting' ORDER BY failures, source, number LIMIT 1", "unit_waiting"),
                ("state = 'waiting' AND failures = 0 ORDER BY failures, source, number LIMIT 1", "unit_waiting"),
                ("worker = 'w' AND state IN ('leased', 'publishing')", "unit_held"),
                ("state = 'leased' AND expires <= 5 ORDER BY expires LIMIT 9", "unit_expiring"),
                ("state = 'publishing' AND expires <= 5", "unit_publishing"),
                ("state = 'failed' AND (source, number) > (0, 5) ORDER BY source, number LIMIT 9", "unit_failed"),
            ]
            for (condition, index) in questions {
                let plan = try store.read("look") { session in
                    try session.query("EXPLAIN QUERY PLAN " + unitQuery(condition), [.text(store.id.text)])
                        .map { try $0.text("detail") }
                }
                #expect(plan.contains { $0.contains("INDEX \(index)") }, "\(condition): \(plan)")
                #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(condition): \(plan)")
            }
        }
    }
}
