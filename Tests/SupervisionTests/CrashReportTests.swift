import Coordination
import Foundation
import Supervision
import Testing

@Suite("The report of a crash") struct CrashReportTests {
    @Test("is read from the line that a dying process writes, and from nothing else")
    func lines() throws {
        let build = try #require(BuildID("0123456789abcdef"))
        let lease = Lease(
            unit: UnitID(build: build, source: "cc3m", index: 3), worker: "w0", incarnation: "i", generation: 2)
        let json = String(decoding: try encodeJSON(lease), as: UTF8.self)
        let report = try #require(CrashReport(line: "\u{1e}crash \(json) 17 11"))
        #expect(report.lease == lease && report.row == 17 && report.signal == 11)
        for line in [
            "\u{1e}crash \(json) 17", "crash \(json) 17 11", "\u{1e}crash {} 17 11", "\u{1e}crash \(json) 17 x",
        ] {
            #expect(CrashReport(line: line) == nil, "\(line)")
        }
    }
}
