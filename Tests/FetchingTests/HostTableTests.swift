import Foundation
import TestSupport
import Testing

@testable import Fetching

@Suite("the bounds for hosts")
struct HostTableTests {
    private let folder: String
    init() throws { folder = try Project.temporaryFolder() }

    private func table(_ lane: Int, of lanes: Int = 2, connections: Int = 4, rate: Double = 0) -> HostTable {
        HostTable(
            SharedBounds(path: folder + "/hosts", lanes: lanes, lane: lane), connections: connections, rate: rate)
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
        let wait = try #require(second.claim("http://a"))
        #expect(wait > .milliseconds(300) && wait <= .milliseconds(500))
        #expect(second.claim("http://b") == nil)
    }

    @Test("are each process's own where no file can be had")
    func noFile() {
        let alone = HostTable(SharedBounds(path: folder + "/no/hosts", lanes: 2, lane: 1), connections: 3, rate: 0)
        #expect(claims(alone, "http://a") == 3)
    }
}
