import Locks
import Samples
import Testing

@testable import Fetching

@Suite("the transfers of a fetcher")
struct TransferLoopTests {
    let server = WebServer.shared

    /// The bodies of `count` concurrent fetches of `target`, as texts.
    private func fetchAll(_ count: Int, of target: String, with fetcher: CurlFetcher) async throws -> [String] {
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<count {
                group.addTask {
                    let url = server.url(target) + (target.contains("gate") ? "" : "?\(number)")
                    return String(decoding: try await fetcher.fetch(url).get().bytes, as: UTF8.self)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func rejection(of target: String, with fetcher: CurlFetcher) async -> Rejection? {
        guard case .failure(let failure) = await fetcher.fetch(server.url(target)) else { return nil }
        return failure.rejection
    }

    @Test("run at once, as many as there are connections and no more")
    func connections() async throws {
        let fetcher = CurlFetcher(policy: server.policy, connections: 4)
        #expect(try await fetchAll(32, of: "gate?4", with: fetcher).allSatisfy { $0 == "4" })
    }

    @Test("share a host only up to its limit")
    func connectionsPerHost() async throws {
        var policy = server.policy
        policy.connectionsPerHost = 3
        let fetcher = CurlFetcher(policy: policy, connections: 8)
        #expect(try await fetchAll(24, of: "gate?3", with: fetcher).allSatisfy { $0 == "3" })
    }

    @Test("wait while there is no room, and start when they are woken", .timeLimit(.minutes(1)))
    func room() async throws {
        let hasRoom = Locked(false)
        let fetcher = CurlFetcher(policy: server.policy, connections: 4, hasRoom: { hasRoom.withLock { $0 } })
        async let body = fetcher.fetch(server.url("ok?room")).get().bytes
        // A round trip, in which the one above takes its place.
        _ = try await server.ask("ok")
        #expect(try await server.count("ok?room") == "0")
        hasRoom.withLock { $0 = true }
        fetcher.wake()
        #expect(try await body == goodBody)
    }

    @Test("keep their connections for the next ones")
    func reuse() async throws {
        let fetcher = CurlFetcher(policy: server.policy, connections: 2)
        let first = try await fetcher.fetch(server.url("peer")).get().bytes
        for target in ["hop?2", "status?404&reuse", "gzipped"] { _ = await fetcher.fetch(server.url(target)) }
        #expect(try await fetcher.fetch(server.url("peer")).get().bytes == first)
    }

    @Test("know a connection that was there from one that was made")
    func connectionTimes() async {
        let loop = TransferLoop(Frontier.Limits(slots: 1, perHost: 1), userAgent: "test")
        defer { loop.close() }
        var times: [ExchangeAnswer.Times] = []
        for _ in 0..<2 {
            let request = ExchangeRequest(
                url: server.url("ok"), origin: "http://127.0.0.1:\(server.port)", timeout: .seconds(10),
                maxBytes: 1 << 20, maxHeaderBytes: 1 << 16, bodyUse: { _ in .take }, judge: { _, _ in .allowed })
            times.append(await loop.run(request).times)
        }
        #expect(times[0].connect != nil && times[1].connect == nil)
    }

    @Test("are many more than there are slots, and all come out")
    func many() async throws {
        let fetcher = CurlFetcher(policy: server.policy, connections: 16)
        let bodies = try await fetchAll(500, of: "target", with: fetcher)
        #expect(Set(bodies) == Set((0..<500).map { "/target?\($0)" }))
    }

    @Test("end when the task that waits is cancelled, and free their slot", .timeLimit(.minutes(1)))
    func cancellation() async throws {
        var policy = server.policy
        policy.timeout = .seconds(3600)
        let fetcher = CurlFetcher(policy: policy, connections: 1)
        try await withThrowingTaskGroup(of: Rejection?.self) { group in
            group.addTask { await rejection(of: "hang?cancelled", with: fetcher) }
            _ = try await server.ask("wait?hangcancelled")
            group.cancelAll()
            let ending = try await group.next()
            #expect(ending == Rejection(.downloadError, "cancelled"))
        }
        _ = try await server.ask("wait?closedcancelled")
        #expect(try await fetcher.fetch(server.url("ok")).get().bytes == goodBody)
    }

    @Test("end at once when they are cancelled before their turn")
    func cancellationWhileWaiting() async throws {
        let fetcher = CurlFetcher(policy: server.policy, connections: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = await rejection(of: "hang?first", with: fetcher) }
            _ = try await server.ask("wait?hangfirst")
            try await withThrowingTaskGroup(of: Rejection?.self) { waiting in
                for _ in 0..<8 { waiting.addTask { await rejection(of: "ok?never", with: fetcher) } }
                // A round trip, in which those above take their place in the queue.
                _ = try await server.ask("ok")
                waiting.cancelAll()
                for try await ending in waiting { #expect(ending == Rejection(.downloadError, "cancelled")) }
            }
            group.cancelAll()
        }
        // This one had to wait behind it.
        #expect(try await fetcher.fetch(server.url("ok?after")).get().bytes == goodBody)
        #expect(try await server.count("ok?never") == "0")
    }

    @Test("end when the fetcher is closed, those under way and those that wait; later ones fail")
    func close() async throws {
        let fetcher = CurlFetcher(policy: server.policy, connections: 1)
        let closed = Rejection(.downloadError, "the fetcher is closed")
        try await withThrowingTaskGroup(of: Rejection?.self) { group in
            for _ in 0..<3 { group.addTask { await rejection(of: "hang?closing", with: fetcher) } }
            _ = try await server.ask("wait?hangclosing")
            fetcher.close()
            for try await ending in group { #expect(ending == closed) }
        }
        fetcher.close()
        #expect(await rejection(of: "ok", with: fetcher) == closed)
        #expect(try await server.count("hang?closing") == "1")
    }

    @Test("give one answer, to whom is told last, when they end before they began")
    func earlyEnd() {
        let exchange = Exchange(
            ExchangeRequest(
                url: "http://127.0.0.1/", origin: "http://127.0.0.1", timeout: .seconds(1), maxBytes: 1,
                maxHeaderBytes: 1, bodyUse: { _ in .take }, judge: { _, _ in .allowed }))
        let endings = Locked<[ExchangeAnswer.Ending]>([])
        exchange.finish(.cancelled)
        exchange.finish(.closed)
        exchange.deliver { answer in endings.withLock { $0.append(answer.ending) } }
        exchange.finish(.closed)
        #expect(endings.withLock { $0 } == [.cancelled])
    }

    @Test("end their thread with the last reference")
    func threadEnds() {
        weak var loop: TransferLoop?
        do {
            let living = TransferLoop(Frontier.Limits(slots: 1, perHost: 1), userAgent: "test")
            loop = living
            living.close()
        }
        #expect(loop == nil)
    }
}
