import Coordination
import Foundation
import Samples
import Testing

@testable import Transport

@Suite("What a coordinator is told besides results", .timeLimit(.minutes(1))) struct WorkerEndTests {
    @Test("a row on which a worker crashed is told to whoever gets its unit next, and costs no attempt")
    func crashes() async throws {
        try await Service.run { service in
            let client = service.client()
            let grant = try #require(try await client.acquire().grant)
            #expect(grant.crashedRows.isEmpty)
            #expect(try await client.crashed(grant.lease, CrashedRow(row: 7, signal: 11)) == .accepted)
            #expect(try await client.crashed(grant.lease, CrashedRow(row: 3, signal: 6)) == .stale)
            let next = try #require(try await service.client("v").acquire(limit: 2).grants)
            #expect(next.map(\.unit.shardName) == ["a-000000", "a-000001"])
            #expect(next[0].crashedRows == [CrashedRow(row: 3, signal: 6), CrashedRow(row: 7, signal: 11)])
            #expect(next[1].crashedRows.isEmpty && next[0].lease.generation == 2)
        }
    }

    @Test("workers that have ended, by name or by node, hold nothing any more; only a message is a failure")
    func ended() async throws {
        try await Service.run(units: 3) { service in
            func client(_ name: String) -> CoordinatorClient {
                CoordinatorClient(
                    CoordinatorAccess(url: service.url, token: service.token), worker: name, node: "n1",
                    policy: hastyPolicy, send: sendOverLoopback)
            }
            let clients = ["a", "b", "c"].map(client)
            var leases: [Lease] = []
            for client in clients { leases.append(try #require(try await client.acquire().grant).lease) }
            let (wasHeardOf, hasWork) = try await clients[0].ended(message: nil)
            #expect(wasHeardOf && hasWork)
            #expect(try await clients[0].renew(leases[0]) == .stale)
            #expect(try await clients[1].ended(node: "n1") == ["b", "c"])
            #expect(try await clients[1].ended(node: "n1") == [])
            #expect(try await clients[2].renew(leases[2]) == .stale)
            #expect(try await client("never").ended(message: nil).wasHeardOf == false)
            let status = try await clients[0].status()
            #expect(status.total.leasedUnits == 0 && status.total.failedUnits == 0)
        }
    }

    @Test("a coordinator that is behind says when to come back")
    func overload() async throws {
        try await Service.run(waitingLimit: 0) { service in
            let token = "Bearer \(service.token.secret)"
            let answer = try await service.raw(
                "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: \(token)\r\n\r\n",
                limit: .max)
            #expect(answer.contains("503") && answer.contains("\r\nRetry-After: 2\r\n"), "\(answer)")
            #expect(try await service.request("GET", "/healthz").status == 200)
        }
        let clock = NotingClock()
        let client = CoordinatorClient(url: "http://x", worker: "w", token: nil, clock: clock, chance: { 0 }) { _ in
            ClientResponse(status: 503, body: Data(), retryAfter: .seconds(30))
        }
        await #expect(throws: TransportError.self) { try await client.acquire() }
        #expect((45...100).contains(clock.pauses.count), "15 minutes in steps of 10 to 20 s")
    }
}
