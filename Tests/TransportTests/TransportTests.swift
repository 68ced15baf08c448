import Coordination
import Foundation
import Locks
import Logging
import Samples
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(1))) struct TransportTests {
    @Test("a worker's whole conversation: lease, renew, heartbeat, publish, fail, release, done")
    func conversation() async throws {
        try await Service.run { service in
            let client = service.client()
            let grant = try #require(try await client.acquire().grant)
            #expect(grant.unit.shardName == "a-000000" && grant.duration == .seconds(120))
            #expect(try await client.renew(grant.lease) == .accepted)
            var counts = WorkerCounts()
            counts.rows = 4
            let gone = Lease(
                unit: UnitID(build: service.store.id, source: "a", index: 1), worker: "w", incarnation: "1",
                generation: 9)
            let units = [grant.lease, gone].map { WorkerReport.Progress(lease: $0, rows: 4) }
            #expect(try await client.heartbeat(counts, units: units).lost == [gone])
            #expect(try await client.status().total.rowsInFlight == 4)
            #expect(try await client.release(grant.lease) == .accepted)
            let again = try #require(try await client.acquire().grant)
            #expect(again.lease.generation == 2)
            #expect(try await client.publish(again.lease, someResult) == .accepted)
            #expect(try await client.publish(again.lease, someResult) == .accepted)
            let other = try #require(try await client.acquire().grant)
            #expect(try await service.client("idle").acquire() == .wait(.seconds(1)))
            #expect(try await client.fail(other.lease, message: "disk full") == .accepted)
            let last = try #require(try await client.acquire().grant)
            #expect(try await client.publish(last.lease, someResult) == .accepted)
            #expect(try await client.publish(other.lease, someResult) == .stale)
            #expect(try await client.acquire() == .done(failedUnits: 0))
            var (ours, theirs) = (try await client.status(), try await service.coordinator.status())
            for index in ours.sources.indices {  // rates pass with time
                ours.sources[index].rowsPerSecond = 0
                theirs.sources[index].rowsPerSecond = 0
            }
            #expect(ours == theirs && ours.total.rejections == ["http_error": 6])
            #expect(try await client.manifest().manifest == "seed: 42\nname: \"ünï/code\"\n")
        }
    }

    @Test("without the token only the health is told, whatever stands in its place")
    func tokens() async throws {
        try await Service.run { service in
            let health = try await service.request("GET", "/healthz")
            #expect(health == (200, #"{"status":"ok"}"#))
            let secret = service.token.secret
            let wrong: [String?] = [
                nil, "", "Bearer", "Bearer ", "Bearer \(secret)x", "Bearer \(secret.dropLast())", "Basic \(secret)",
                secret, "Bearer \(AccessToken().secret)", "bearer\(secret)",
            ]
            for token in wrong {
                for path in ["/api/v1/status", "/api/v1/manifest", "/", "/nothing"] {
                    let answer = try await service.request("GET", path, token: token)
                    #expect(answer.status == 401 && !answer.body.contains(secret), "\(token ?? "none")")
                }
            }
            #expect(try await service.request("GET", "/api/v1/status", token: "Bearer \(secret)").status == 200)
            let stranger = service.client(token: AccessToken())
            let error = await #expect(throws: TransportError.self) { try await stranger.acquire() }
            #expect(error?.code == .unauthorized)
            #expect(try service.store.status().total.leasedUnits == 0)
        }
    }

    @Test("what cannot be read is answered with what is wrong, and does not stop the server")
    func garbage() async throws {
        try await Service.run { service in
            let token = "Bearer \(service.token.secret)"
            let long = String(repeating: "x", count: 20_000)
            let cases = [
                ("POST", "leases", "", 400), ("POST", "leases", "{", 400), ("POST", "leases", "[]", 400),
                ("POST", "leases", "{\"worker\": 3, \"request\": \"\"}", 400), ("POST", "leases", "\u{0}\u{1}", 400),
                ("POST", "leases", String(repeating: "[", count: 9_000), 400),
                ("POST", "publish", "{\"lease\": {\"unit\": 0, \"worker\": \"w\", \"generation\": 1}}", 400),
                ("POST", "renew", "{\"lease\": {\"unit\": 1e99, \"worker\": \"w\", \"generation\": 1}}", 400),
                ("POST", "heartbeat", long, 413), ("GET", "leases", "", 404), ("POST", "status", "", 404),
                ("DELETE", "status", "", 404), ("GET", "nothing", "", 404), ("GET", "../../etc/passwd", "", 404),
            ]
            for (method, name, body, status) in cases {
                let answer = try await service.request(method, "/api/v1/\(name)", token: token, body: body)
                #expect(answer.status == status, "\(method) \(name) \(body.prefix(40)): \(answer)")
                #expect(answer.body.contains("\"code\""))
            }
            #expect(try await service.client().acquire().grant != nil)
        }
    }

    @Test("a body is bounded whatever its header says, and broken HTTP closes one connection only")
    func rawRequests() async throws {
        try await Service.run { service in
            let head = "POST /api/v1/leases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(service.token.secret)\r\n"
            let chunk = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
            let chunked =
                head + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 20) + "0\r\n\r\n"
            let tooMuch = try await service.raw(chunked)
            #expect(tooMuch == "HTTP/1.1 413")
            let announced = try await service.raw(head + "Content-Length: 99999999999\r\n\r\n{}")
            #expect(announced == "HTTP/1.1 413")
            for broken in [
                head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
                "\r\n\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\n\n",
            ] {
                let answer = try await service.raw(broken)
                #expect(answer.isEmpty || answer == "HTTP/1.1 400")
            }
            #expect(try await service.client().acquire().grant != nil)
        }
    }

    @Test("answers that are lost on their way change nothing: the message is sent again")
    func lostAnswers() async throws {
        struct Lost: Error {}
        try await Service.run(units: 3) { service in
            let count = Locked(0)
            // Every first try arrives, but its answer does not.
            let client = service.client { request in
                let response = try await sendOverLoopback(request)
                if count.withLock({
                    $0 += 1; return $0
                }) % 2 == 1 {
                    throw Lost()
                }
                return response
            }
            for unit in 0..<3 {
                let grant = try #require(try await client.acquire().grant)
                #expect(grant.unit.index == unit && grant.lease.generation == 1)
                #expect(try await client.publish(grant.lease, someResult) == .accepted)
            }
            #expect(try await client.acquire() == .done(failedUnits: 0))
            #expect(try service.store.status().total.publishedUnits == 3)
            #expect(count.withLock { $0 } == 14)
        }
    }

    @Test("a coordinator that stays silent is given up, after pauses that grow to a bound")
    func silence() async throws {
        struct Refused: Error {}
        let clock = NotingClock()
        var policy = RetryPolicy()
        policy.patience = .seconds(40)
        let client = CoordinatorClient(
            url: "http://127.0.0.1:1/", worker: "w", token: nil, policy: policy, clock: clock, chance: { 0 },
            send: { request in
                #expect(request.url == "http://127.0.0.1:1/api/v1/leases")
                throw Refused()
            })
        let error = await #expect(throws: TransportError.self) { try await client.acquire() }
        #expect(error?.code == .unreachable)
        #expect(clock.pauses == [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .milliseconds($0) })
    }

    @Test("a refused connection is met with patience, a cancelled worker is not")
    func cancelled() async throws {
        let client = CoordinatorClient(
            url: "http://127.0.0.1:1", worker: "w", token: nil, clock: NotingClock(), send: sendOverLoopback)
        let error = await #expect(throws: TransportError.self) { try await client.status() }
        #expect(error?.code == .unreachable)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    _ = try await CoordinatorClient(
                        url: "http://127.0.0.1:1", worker: "w", token: nil, send: sendOverLoopback
                    ).status()
                }
            }
            group.cancelAll()
        }
    }

    @Test("what is no coordinator is told apart from one that refuses")
    func strangers() async throws {
        func client(_ status: Int, _ body: String) -> CoordinatorClient {
            CoordinatorClient(url: "http://x", worker: "w", token: nil, clock: NotingClock()) { _ in
                ClientResponse(status: status, body: Data(body.utf8))
            }
        }
        let cases: [(Int, String, TransportError.Code)] = [
            (200, "<html>", .protocolMismatch), (200, "{\"answer\": \"granted\"}", .protocolMismatch),
            (404, "<html>", .refused), (422, "{\"code\": \"bad_result\", \"message\": \"9 rows of 10\"}", .refused),
            (301, "", .refused), (503, "", .unreachable), (507, "", .diskFull), (401, "", .unauthorized),
        ]
        for (status, body, code) in cases {
            let error = await #expect(throws: TransportError.self) { try await client(status, body).acquire() }
            #expect(error?.code == code, "\(status) \(body)")
            if status == 422 { #expect(error?.text == "status 422: 9 rows of 10") }
        }
    }

    @Test("a result that does not fit is refused at once, not sent again and again")
    func refusedResult() async throws {
        try await Service.run { service in
            let client = service.client()
            let lease = try #require(try await client.acquire().grant).lease
            let short = UnitResult(
                samples: 1, byteCount: 1, digest: someDigest, tableByteCount: 1, tableDigest: someDigest,
                rejections: [:])
            let error = await #expect(throws: TransportError.self) { try await client.publish(lease, short) }
            #expect(error?.code == .refused && error?.text.contains("accounts for 1 rows of 10") == true)
        }
    }

    @Test("does not listen on more than loopback without a token, nor on a port that is taken")
    func listening() async throws {
        try await Service.run { service in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            var settings = CoordinatorServer.Settings()
            settings.host = "0.0.0.0"
            let open = #expect(throws: TransportError.self) {
                try CoordinatorServer(
                    service.coordinator, settings: settings, credentials: Credentials(workers: nil), logger: logger)
            }
            #expect(open?.code == .token)
            settings.host = "127.0.0.1"
            settings.port = try #require(UInt16(service.url.split(separator: ":").last ?? ""))
            let second = try CoordinatorServer(
                service.coordinator, settings: settings, credentials: Credentials(workers: nil), logger: logger)
            let taken = await #expect(throws: TransportError.self) { try await second.serve { _ in } }
            #expect(taken?.code == .listen)
            settings.host = "not an address"
            let bad = try? CoordinatorServer(
                service.coordinator, settings: settings, credentials: Credentials(workers: AccessToken()),
                logger: logger)
            let wrong = await #expect(throws: TransportError.self) { try await bad?.serve { _ in } }
            #expect(wrong?.code == .listen)
        }
    }

    @Test("the server stops when its work is done, and when that fails")
    func stopping() async throws {
        struct Failed: Error {}
        let url = Locked("")
        await #expect(throws: Failed.self) {
            try await Service.run { service in
                url.withLock { $0 = service.url }
                throw Failed()
            }
        }
        let client = CoordinatorClient(
            url: url.withLock { $0 }, worker: "w", token: nil, clock: NotingClock(), send: sendOverLoopback)
        let error = await #expect(throws: TransportError.self) { try await client.status() }
        #expect(error?.code == .unreachable)
    }

    @Test("a token lives in a file that nobody else may read")
    func tokenFiles() throws {
        let path = NSTemporaryDirectory() + "token-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }  // only litter would be left
        #expect(FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o644]))
        let token = AccessToken()
        try token.write(to: path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try AccessToken(contentsOfFile: path).secret == token.secret)
        #expect(token.secret.count == 64 && token.secret != AccessToken().secret)
        for text in ["", "short", "with a space in the middle of it", "line\nbreak in the middle"] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: TransportError.self) { try AccessToken(contentsOfFile: path) }
        }
        #expect(throws: TransportError.self) { try AccessToken(contentsOfFile: path + ".none") }
    }
}

/// A clock that moves only when somebody sleeps on it; it notes how long.
final class NotingClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let content = Locked<(now: Duration, pauses: [Duration])>((.zero, []))
    var now: Instant { Instant(offset: content.withLock { $0.now }) }
    var minimumResolution: Duration { .nanoseconds(1) }
    var pauses: [Duration] { content.withLock { $0.pauses } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        content.withLock { content in
            content.pauses.append(deadline.offset - content.now)
            content.now = deadline.offset
        }
    }
}
