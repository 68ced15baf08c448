import Glibc
import Testing

@testable import Files

@Suite("Work that blocks") struct BlockingTests {
    private struct Fault: Error {}

    @Test("that has time gives way to other threads, and leaves their priorities alone")
    func unhurriedWork() async throws {
        @Sendable func priority() -> CInt { getpriority(CInt(PRIO_PROCESS.rawValue), 0) }
        let before = priority()
        #expect(try await unhurried { priority() } == max(before, 10))
        await #expect(throws: Fault.self) { try await unhurried { throw Fault() } }
        #expect(await blocking { priority() } == before)
    }
}
