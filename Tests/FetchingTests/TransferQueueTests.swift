import RandomNumbers
import Testing

@testable import Fetching

@Suite("a queue of transfers")
struct TransferQueueTests {
    @Test("serves first come, first served")
    func order() {
        var queue = TransferQueue<Int>(slots: 2, slotsPerHost: 2)
        for element in 0..<200 { queue.add(element, host: "h\(element)") }
        var served: [Int] = []
        while let next = queue.next() {
            served.append(next)
            queue.finished(host: "h\(next)")
        }
        #expect(served == Array(0..<200))
    }

    @Test("lets others pass one whose host is at its limit, which comes first when it no longer is")
    func parking() {
        var queue = TransferQueue<String>(slots: 3, slotsPerHost: 1)
        for element in ["a1", "a2", "a3", "b1", "c1", "d1"] { queue.add(element, host: String(element.prefix(1))) }
        #expect([queue.next(), queue.next(), queue.next(), queue.next()] == ["a1", "b1", "c1", nil])
        queue.finished(host: "a")
        #expect([queue.next(), queue.next()] == ["a2", nil])
        queue.finished(host: "b")
        #expect(queue.next() == "d1")
        #expect(queue.removeAll() == ["a3"])
    }

    @Test("never runs more than its limits, loses none, and never idles when one could run")
    func invariants() throws {
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var queue = TransferQueue<Int>(slots: 5, slotsPerHost: 2)
            var running: [Int] = []
            var served: [Int] = []
            var added = 0
            func host(_ element: Int) -> String { "\(element % 3)" }
            while served.count < 100 || !running.isEmpty {
                if added < 100, random.next() % 2 == 0 {
                    queue.add(added, host: host(added))
                    added += 1
                }
                while let element = queue.next() {
                    running.append(element)
                    served.append(element)
                }
                try #require(running.count <= 5, "seed \(seed)")
                let perHost = Dictionary(grouping: running, by: host).mapValues(\.count)
                try #require(perHost.values.allSatisfy { $0 <= 2 }, "seed \(seed)")
                let idle = (0..<added).filter { !served.contains($0) }
                try #require(
                    running.count == 5 || idle.allSatisfy { perHost[host($0)] == 2 }, "seed \(seed): \(idle) could run")
                if !running.isEmpty, added == 100 || random.next() % 3 == 0 {
                    queue.finished(host: host(running.remove(at: Int(random.next() % UInt64(running.count)))))
                }
            }
            #expect(served.sorted() == Array(0..<100), "seed \(seed)")
        }
    }
}
