import Foundation
import Supervision
import Testing

@Suite("The log of crashes") struct CrashLogTests {
    @Test("tells whose crash it was, and passes over lines that were cut")
    func workers() throws {
        let path = NSTemporaryDirectory() + "crashes-" + UUID().uuidString
        defer { unlink(path) }
        try "w0 cc3m 17 11\nw1 cc3m 40 06\nw0 sbu 3 11\nw1 cc3m\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        let log = CrashLog(path: path)
        #expect(log.crashes().count == 3)
        #expect(log.crashes(of: "w0").map(\.row) == [17, 3])
        #expect(log.crashes(of: "w1").map(\.signal) == [6])
        #expect(log.crashes(of: "w2").isEmpty)
    }
}
