import Concurrency
import Locks
import RandomNumbers

import Testing

@Suite("boundedMap") struct BoundedMapTests {
    @Test("keeps input order and never has more than its limit in flight")
    func order() async throws {
        for seed in 0..<30 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let limit = Int.random(in: 1...9, using: &random)
            let pauses = (0..<100).map { _ in Int.random(in: 0...5, using: &random) }
            let inFlight = Locked((now: 0, most: 0))
            var (next, seen) = (0, [Int]())
            try await boundedMap(
                { () -> Int? in
                    guard next < 100 else { return nil }
                    defer { next += 1 }
                    inFlight.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                    return next
                }, limit: limit
            ) { element in
                for _ in 0..<pauses[element] { await Task.yield() }
                return element
            } emit: { element in
                inFlight.withLock { $0.now -= 1 }
                seen.append(element)
            }
            try #require(seen == Array(0..<100), "seed \(seed)")
            try #require(inFlight.withLock { $0.most } <= limit, "seed \(seed)")
        }
    }

    @Test("runs no more transforms at once than allowed, however many results wait")
    func running() async throws {
        let running = Locked((now: 0, most: 0))
        var next = 0
        try await boundedMap(
            { () -> Int? in
                next += 1
                return next <= 50 ? next : nil
            }, limit: 20, running: 3
        ) { element in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            for _ in 0..<(element % 7) { await Task.yield() }
            running.withLock { $0.now -= 1 }
        } emit: { _ in
        }
        #expect(running.withLock { $0.most } <= 3)
    }

    @Test("ends with the first failure of a transform", .timeLimit(.minutes(1)))
    func failure() async {
        struct Broken: Error {}
        var next = 0
        await #expect(throws: Broken.self) {
            try await boundedMap(
                { () -> Int? in
                    next += 1
                    return next
                }, limit: 4
            ) { element in
                if element == 10 { throw Broken() }
                return element
            } emit: { _ in
            }
        }
    }
}
