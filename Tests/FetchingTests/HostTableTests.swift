import Foundation
import TestSupport
import Testing

@testable import Fetching

@Suite("the bounds for hosts")
struct HostTableTests {
    /// A clock that its test moves.
    private final class Clock {
        var nanoseconds: Int64 = 1_000_000_000_000
        func sleep(_ seconds: Double) { nanoseconds += Int64(seconds * 1e9) }
    }

    private let folder: String
    private let clock = Clock()
    init() throws { folder = try Project.temporaryFolder() }

    private func table(_ lane: Int, of lanes: Int = 2, connections: Int = 4, rate: Double = 0) -> HostTable {
        HostTable(
            SharedBounds(path: folder + "/hosts", lanes: lanes, lane: lane), connections: connections, rate: rate,
            clock: { [clock] in clock.nanoseconds })
    }

    private func claims(_ table: HostTable, _ origin: String, of limit: Int = 100) -> Int {
        (0..<limit).prefix { _ in table.claim(origin) == nil }.count
    }

    @Test("are counted over all processes, for each host apart, and given back")
    func shared() {
        let (first, second) = (table(0), table(1))
        #expect(claims(first, "http://a", of: 3) == 3)
        #expect(claims(second, "http://a") == 1)
        #expect(claims(second, "http://b") == 4)
        first.release("http://a")
        #expect(claims(second, "http://a") == 1)
    }

    @Test("make room for a process that has less than its share")
    func shares() {
        let (first, second) = (table(0), table(1))
        #expect(claims(first, "http://a") == 4)
        #expect(claims(second, "http://a") == 0)
        first.release("http://a")
        #expect(first.claim("http://a") != nil, "the other was refused, and goes first")
        #expect(second.claim("http://a") == nil)
    }

    @Test("give way to a process that was refused lately, and not for longer")
    func wishes() {
        let (first, second) = (table(0), table(1))
        #expect(claims(first, "http://a") == 4)
        #expect(claims(second, "http://a") == 0)
        first.release("http://a")
        clock.sleep(1)
        #expect(first.claim("http://a") == nil)
    }

    @Test("forget what a process held when another takes its lane")
    func killed() {
        let (killed, other) = (table(0), table(1))
        #expect(claims(killed, "http://a") == 4)
        let next = table(0)
        #expect(claims(next, "http://a") == 4)
        #expect(claims(other, "http://a") == 0)
    }

    @Test("keep requests to a rate, over all processes")
    func rate() throws {
        let (first, second) = (table(0, connections: 100, rate: 2), table(1, connections: 100, rate: 2))
        #expect(first.claim("http://a") == nil)
        clock.sleep(0.2)
        #expect(second.claim("http://a") == .milliseconds(300))
        #expect(second.claim("http://b") == nil)
        clock.sleep(0.3)
        #expect(second.claim("http://a") == nil)
        #expect(first.claim("http://a") == .milliseconds(500))
    }

    @Test("take the lowest rate there is for one start")
    func lowestRate() throws {
        let table = table(0, rate: 1e-10)
        #expect(table.claim("http://a") == nil)
        #expect(try #require(table.claim("http://a")) > .seconds(86_400))
    }

    @Test("have their room on the disk from the start, in a file of an older build too")
    func allocated() throws {
        try Data().write(to: URL(fileURLWithPath: folder + "/hosts"))
        truncate(folder + "/hosts", 10 << 20)
        #expect(table(0).fault == nil)
        var status = stat()
        #expect(stat(folder + "/hosts", &status) == 0 && status.st_blocks * 512 >= 16_384 * 16)
    }

    @Test("are each process's own where no file can be had, which is said")
    func noFile() {
        let alone = HostTable(SharedBounds(path: folder + "/no/hosts", lanes: 2, lane: 1), connections: 3, rate: 0)
        #expect(claims(alone, "http://a") == 3)
        #expect(alone.fault == "\(folder)/no/hosts: No such file or directory")
        #expect(table(0).fault == nil)
    }
}
