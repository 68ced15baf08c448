import Locks
import Samples
import Testing

@testable import Fetching

/// Hosts that real trouble was modelled on: no good row may be lost.
@Suite("rows of a host in trouble", .serialized, .timeLimit(.minutes(2)))
struct FalteringHostTests {
    private static let ports: [String: Int] = {
        let words = SupportScript("faltering_hosts.py").words
        return Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: words.count - 1, by: 2).map {
                (words[$0], Int(words[$0 + 1]) ?? 0)
            })
    }()

    /// Fetches `count` images of `host`; gives the messages of those that failed.
    private func lost(_ count: Int, of host: String, _ change: (inout FetchPolicy) -> Void = { _ in }) async throws
        -> [String]
    {
        var policy = FetchPolicy(userAgent: "test")
        policy.allowPrivateAddresses = true
        (policy.patience, policy.outage) = (.seconds(30), .seconds(60))
        change(&policy)
        let port = try #require(Self.ports[host])
        let fetcher = CurlFetcher(policy: policy, connections: 64)
        return await withTaskGroup(of: String?.self) { group in
            for row in 0..<count {
                group.addTask {
                    let answer = await fetcher.fetch("http://127.0.0.1:\(port)/\(row).jpg")
                    if case .failure(let failure) = answer { return failure.rejection.message }
                    return nil
                }
            }
            return await group.reduce(into: []) { if let message = $1 { $0.append(message) } }
        }
    }

    @Test("that refuses connections for a while are all fetched in the end")
    func away() async throws {
        #expect(try await lost(50, of: "away").isEmpty)
    }

    @Test("with a listen backlog of 5 are all fetched")
    func backlog() async throws {
        #expect(try await lost(300, of: "backlog").isEmpty)
    }

    @Test("that asks for a pause above eight requests at once are all fetched")
    func limited() async throws {
        #expect(try await lost(300, of: "limited").isEmpty)
    }

    @Test("that resets a third of its connections are all fetched")
    func resetting() async throws {
        #expect(try await lost(100, of: "resetting") { $0.patience = .seconds(9) }.isEmpty)
    }

    @Test("that says nothing for a while are all fetched in the end")
    func stalled() async throws {
        #expect(try await lost(200, of: "stalled") { $0.timeout = .milliseconds(500) }.isEmpty)
    }

    @Test("that is dead fail with the reason, when other hosts answer")
    func dead() async throws {
        let host = try #require(Self.ports["good"])
        var policy = FetchPolicy(userAgent: "test")
        policy.allowPrivateAddresses = true
        (policy.patience, policy.outage) = (.seconds(2), .seconds(60))
        let fetcher = CurlFetcher(policy: policy, connections: 8)
        #expect((try? await fetcher.fetch("http://127.0.0.1:\(host)/1.jpg").get()) != nil)
        let port = RefusingPort()
        // The host that answered before is asked whether the network works.
        let failure = try await #require(throws: FetchFailure.self) {
            try await fetcher.fetch("http://127.0.0.1:\(port.number)/1.jpg").get()
        }
        #expect(failure.rejection == Rejection(.downloadError, "connection refused"))
    }

    @Test("that is all there is, and down for a while, are all fetched, and the end of the outage is reported")
    func outageEnds() async throws {
        var policy = FetchPolicy(userAgent: "test")
        policy.allowPrivateAddresses = true
        (policy.patience, policy.outage) = (.zero, .seconds(60))
        let port = RefusingPort()
        let events = Locked<[OutageEvent]>([])
        let fetcher = CurlFetcher(
            policy: policy, connections: 8,
            outage: { event in
                events.withLock { $0.append(event) }
                if case .began = event { port.listen() }
            })
        let bodies = await withTaskGroup(of: FetchedBody?.self) { group in
            for row in 0..<20 {
                group.addTask { try? await fetcher.fetch("http://127.0.0.1:\(port.number)/\(row).jpg").get() }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies.allSatisfy { $0?.httpStatus == 200 })
        let outage = Outage(text: "127.0.0.1:\(port.number) does not answer: connection refused", origin: nil)
        #expect(events.withLock { $0 } == [.began(outage), .ended])
    }

    @Test(
        "that is all there is, and down, do not fail: it is an outage, which is reported, and again when it lasts too long"
    )
    func outage() async throws {
        var policy = FetchPolicy(userAgent: "test")
        policy.allowPrivateAddresses = true
        (policy.patience, policy.outage) = (.zero, .seconds(1))
        let port = RefusingPort()
        let events = Locked<[OutageEvent]>([])
        let (told, tell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let fetcher = CurlFetcher(
            policy: policy, connections: 8,
            outage: { event in
                events.withLock { $0.append(event) }
                if case .exceeded = event { tell.finish() }
            })
        let failed = await withTaskGroup(of: Bool.self) { group in
            for row in 0..<20 {
                group.addTask {
                    _ = await fetcher.fetch("http://127.0.0.1:\(port.number)/\(row).jpg")
                    return !Task.isCancelled
                }
            }
            for await _ in told {}
            group.cancelAll()
            return await group.contains(true)
        }
        #expect(!failed, "no row may end")
        let outage = Outage(text: "127.0.0.1:\(port.number) does not answer: connection refused", origin: nil)
        #expect(events.withLock { $0 } == [.began(outage), .exceeded(outage)])
    }
}
