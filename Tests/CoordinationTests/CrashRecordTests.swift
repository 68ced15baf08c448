import Samples
import Testing

@testable import Coordination

@Suite struct CrashRecordTests {
    private func lease(_ worker: String) -> Lease {
        Lease(
            unit: UnitID(build: .random(), source: "a", index: 1), worker: worker, incarnation: "1", generation: 1)
    }

    @Test("outlives the coordinator, whatever workers are called", arguments: ["w", "node 7/worker", "w\nb a 3 9", ""])
    func reopened(worker: String) async throws {
        try await withTemporaryFolder { folder in
            let unit = WorkUnit(
                source: "a", index: 1, firstRow: 10, rowCount: 10, start: InputPosition(file: 0, offset: 0))
            var record = CrashRecord(path: folder + "/crashes")
            let crashes = [(17, 11, worker), (12, 6, "other"), (17, 9, "other"), (20, 6, "other")]
            var added: [Bool] = []
            for (row, signal, worker) in crashes {
                added.append(try record.add(CrashedRow(row: row, signal: signal), of: lease(worker)))
            }
            #expect(added == [true, true, false, true], "row 17 is known")
            let expected = [CrashedRow(row: 12, signal: 6), CrashedRow(row: 17, signal: 11)]
            #expect(record.rows(of: unit) == expected)
            #expect(CrashRecord(path: folder + "/crashes").rows(of: unit) == expected)
        }
    }
}
