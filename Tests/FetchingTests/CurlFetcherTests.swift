import Locks
import Samples
import Testing

@testable import Fetching

/// The body of most of the server's routes.
let goodBody = (0..<40).flatMap { _ in (0...255).map(UInt8.init) }

@Suite("a fetcher")
struct CurlFetcherTests {
    let server = WebServer.shared

    /// Fetches `target` with a fetcher of its own, under the server's policy as `change` changes it.
    private func fetch(
        _ target: String, clock: any Clock<Duration> = ContinuousClock(),
        _ change: (inout FetchPolicy) -> Void = { _ in }
    ) async -> Result<FetchedBody, FetchFailure> {
        var policy = server.policy
        change(&policy)
        return await CurlFetcher(policy: policy, connections: 4, clock: clock).fetch(server.url(target))
    }

    private func failure(
        _ target: String, clock: any Clock<Duration> = ContinuousClock(),
        _ change: (inout FetchPolicy) -> Void = { _ in }
    ) async throws -> FetchFailure {
        let result = await fetch(target, clock: clock, change)
        return try #require(throws: FetchFailure.self) { try result.get() }
    }

    // MARK: Good answers

    @Test(
        "gives the body whole, its content encoding undone",
        arguments: [
            "ok", "chunked", "gzipped", "deflated", "deflated?raw", "early-hints", "part?0-10239/10240",
        ])
    func good(route: String) async throws {
        let body = try await fetch(route).get()
        #expect(body.bytes == goodBody)
        #expect(body.httpStatus == (route.hasPrefix("part") ? 206 : 200))
        #expect(body.finalURL == server.url(route))
    }

    @Test(
        "takes a body as it is that is only said to be encoded",
        arguments: ["none", "utf-8", "binary", "aws-chunked", "gzip", "x-gzip", "deflate", "x-banana", "identity,none"])
    func falseEncoding(name: String) async throws {
        #expect(try await fetch("encoded?\(name)").get().bytes == goodBody)
    }

    @Test("gives back to a server what it wrote into a redirect, whatever its encoding")
    func latin1Redirect() async throws {
        #expect(try await fetch("latin1-redirect").get().bytes == Array("/target?caf%E9".utf8))
    }

    @Test(
        "takes a redirect that cannot be read for the server's fault",
        arguments: ["http://", "http://a%2500b/", "http://x..y/"])
    func badRedirect(location: String) async throws {
        #expect(try await failure("to?\(location)").rejection.reason == .httpError)
    }

    @Test("gives an empty body as one")
    func empty() async throws {
        #expect(try await fetch("empty").get().bytes.isEmpty)
    }

    @Test("escapes what a URL cannot hold, and leaves what is escaped")
    func repair() async throws {
        let body = try await fetch("target?a b/漢%20%E6\"<>`#fragment").get()
        #expect(String(decoding: body.bytes, as: UTF8.self) == "/target?a%20b/%E6%BC%A2%20%E6%22%3C%3E%60")
    }

    @Test("says who it is and which encodings it reads")
    func requestHeaders() async throws {
        #expect(try await fetch("header?user-agent").get().bytes == Array("ourbot/1.0".utf8))
        #expect(try await fetch("header?accept-encoding").get().bytes == Array("gzip, deflate".utf8))
    }

    // MARK: Hosts and pictures that are gone

    @Test("does not fetch a picture that stands for a lost one, named or redirected to", arguments: ["ok", "to?/ok"])
    func placeholders(target: String) async throws {
        let place = server.url("ok").replacing("http://", with: "")
        let failure = try await failure(target) { $0.placeholders = [place] }
        #expect(failure.rejection.reason == .placeholder && failure.finalURL == server.url("ok"))
        #expect(try await fetch("ok") { $0.placeholders = [place + "/other"] }.get().bytes == goodBody)
    }

    @Test("gives a host up that takes no connection, says of each row what was the matter, and asks others on")
    func deadHost() async throws {
        var policy = server.policy
        policy.retries = 0
        policy.allowPrivateAddresses = true
        let fetcher = CurlFetcher(policy: policy, connections: 4)
        let port = RefusingPort()
        for _ in 0..<10 {
            let failure = try await #require(throws: FetchFailure.self) {
                try await fetcher.fetch("http://127.0.0.1:\(port.number)/x.jpg").get()
            }
            #expect(failure.rejection == Rejection(.downloadError, "connection refused"))
        }
        #expect(try await fetcher.fetch(server.url("ok")).get().bytes == goodBody)
    }

    // MARK: Statuses and retries

    @Test(
        "takes a status that will not change for an answer", arguments: [400, 403, 404, 410, 451, 501, 206, 204, 999])
    func permanentStatus(status: Int) async throws {
        let target = "status?\(status)"
        let before = try #require(Int(try await server.count(target)))
        let failure = try await failure(target)
        #expect(
            failure
                == FetchFailure(
                    Rejection(.httpError, "status \(status)"), httpStatus: status, finalURL: server.url(target)))
        #expect(try await server.count(target) == "\(before + 1)")
    }

    @Test(
        "does not take a part for the whole",
        arguments: [
            "part?0-9/10240", "part?1-10239/10240", "part?0-10239/*", "part?0-9223372036854775807/10240",
            "part?0-9223372036854775807/-9223372036854775808", "part?0-18446744073709551615/0", "part?0-0/0",
        ])
    func parts(target: String) async throws {
        #expect(try await failure(target).rejection == Rejection(.httpError, "status 206"))
    }

    @Test("does not read the long body of an error")
    func errorWithLongBody() async throws {
        #expect(try await failure("error-with-long-body") { $0.maxBytes = 10 }.rejection.reason == .httpError)
    }

    @Test("tries again after a fault that may pass", arguments: ["fails-once", "closes-once"])
    func passingFault(route: String) async throws {
        let target = "\(route)?retried"
        #expect(try await fetch(target).get().bytes == goodBody)
        #expect(try await server.count(target) == "2")
    }

    @Test("gives up after as many retries as the policy has", arguments: [0, 3])
    func retriesEnd(retries: Int) async throws {
        let target = "status?503&retries=\(retries)"
        let clock = RecordingClock()
        let failure = try await failure(target, clock: clock) { $0.retries = retries }
        #expect(failure.rejection == Rejection(.httpError, "status 503"))
        #expect(try await server.count(target) == "\(retries + 1)")
    }

    @Test("waits as long as a busy server asks", .timeLimit(.minutes(1)))
    func retryAfter() async throws {
        let start = ContinuousClock.now
        #expect(try await fetch("busy-once?1").get().bytes == goodBody)
        #expect(ContinuousClock.now - start >= .seconds(1))
    }

    @Test(
        "does not wait for a server that asks for a day, or longer than can be counted, and says so",
        arguments: ["86400", "9999999999", "99999999999999999999999"])
    func retryAfterDay(wait: String) async throws {
        let clock = RecordingClock()
        let failure = try await failure("busy-once?\(wait)", clock: clock)
        #expect(failure.httpStatus == 429)
        #expect(failure.rejection.message == "status 429, with a Retry-After beyond fetch.patience")
        #expect(clock.sleeps.isEmpty)
    }

    @Test("asks nothing more of a server that asks for a day: rows that wait for it, and later ones, say so at once")
    func restingServer() async throws {
        var policy = server.policy
        policy.patience = .seconds(60)
        let fetcher = CurlFetcher(policy: policy, connections: 16)
        let message = "status 429, with a Retry-After beyond fetch.patience"
        let messages = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<30 {
                group.addTask { [server] in
                    guard case .failure(let failure) = await fetcher.fetch(server.url("busy")) else { return nil }
                    return failure.rejection.message
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(messages == [String?](repeating: message, count: 30))
        let later = await #expect(throws: FetchFailure.self) { try await fetcher.fetch(server.url("busy?later")).get() }
        #expect(later?.rejection.message == message && later?.httpStatus == 429)
        #expect(try #require(Int(try await server.count("busy"))) <= 4, "no more than were with it at once")
        #expect(try await server.count("busy?later") == "0")
    }

    @Test("does not blame the last of several hosts for the time that the others took")
    func blame() {
        let reader = AnswerReader(server.policy, now: { 0 })
        guard case .failed = reader.hostOutcome(ExchangeAnswer(.timedOut)) else { return #expect(Bool(false)) }
        #expect(reader.hostOutcome(ExchangeAnswer(.timedOut), inShortTime: true) == .unknown)
    }

    @Test("tells of every attempt that failed, the last too")
    func history() async throws {
        let attempts = Locked<[FailedAttempt]>([])
        let fetcher = CurlFetcher(
            policy: server.policy, connections: 1,
            attemptFailed: { attempt in attempts.withLock { $0.append(attempt) } })
        for target in ["fails-once?history", "status?404"] { _ = await fetcher.fetch(server.url(target)) }
        let told = attempts.withLock { $0 }
        #expect(told.map(\.url) == [server.url("fails-once?history"), server.url("status?404")])
        #expect(told.map(\.failure.rejection.message) == ["status 500", "status 404"])
        #expect(told.map(\.number) == [1, 1] && told.map(\.isLast) == [false, true])
    }

    // MARK: Redirects

    @Test("follows five redirects and not six")
    func redirects() async throws {
        let body = try await fetch("hop?5").get()
        #expect(body.bytes == goodBody)
        #expect(body.finalURL == server.url("hop?0"))
        #expect(try await failure("hop?6").rejection == Rejection(.httpError, "more than 5 redirects"))
        #expect(try await failure("loop").rejection == Rejection(.httpError, "more than 5 redirects"))
    }

    @Test("takes a redirect without a target for an error")
    func redirectNowhere() async throws {
        #expect(try await failure("nowhere").rejection == Rejection(.httpError, "status 302"))
    }

    @Test(
        "follows no redirect to a forbidden place, and does not touch it",
        arguments: [
            "http://127.0.0.1:FORBIDDEN/", "http://localhost:FORBIDDEN/", "http://2130706433:FORBIDDEN/",
            "http://0x7f.1:FORBIDDEN/", "http://[::ffff:127.0.0.1]:FORBIDDEN/", "http://0.0.0.0:FORBIDDEN/",
            "//127.0.0.1:FORBIDDEN/", "http://①②⑦.⓪.⓪.①:FORBIDDEN/", "http://a@127.0.0.1:FORBIDDEN/",
            "http:\\\\127.0.0.1:FORBIDDEN\\", "\\\\127.0.0.1:FORBIDDEN/", "http:///127.0.0.1:FORBIDDEN/",
            "http://127.0.0.1:FORBIDDEN\\@example.com/", "ht%09tp://127.0.0.1:FORBIDDEN/", "///127.0.0.1:FORBIDDEN/",
            "ftp://127.0.0.1:FORBIDDEN/", "file:///etc/passwd", "gopher://127.0.0.1:FORBIDDEN/", "data:image/png,x",
        ])
    func forbiddenRedirect(location: String) async throws {
        let failure = try await failure("to?" + location)
        #expect(failure.rejection.reason == .blockedAddress, "\(failure)")
        #expect(try await server.ask("count?forbidden") == "0")
    }

    @Test("refuses the private address behind a name after it is resolved, and a literal before")
    func privateAddress() async throws {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let url = "http://\(host):\(server.forbiddenPort)/"
            let result = await CurlFetcher(policy: server.policy, connections: 1).fetch(url)
            let failure = try #require(throws: FetchFailure.self) { try result.get() }
            #expect(failure.rejection == Rejection(.blockedAddress, "loopback address"), "\(host)")
        }
        #expect(try await server.ask("count?forbidden") == "0")
    }

    @Test("reaches private addresses where the policy allows them")
    func privateAddressAllowed() async throws {
        let body = try await fetch("ok") {
            $0.allowedEndpoints = []
            $0.allowPrivateAddresses = true
        }.get()
        #expect(body.bytes == goodBody)
    }

    // MARK: Slow, endless, lying

    @Test("ends a transfer at its time limit, and tries a host that says nothing again")
    func hang() async throws {
        let failure = try await failure("hang?dead") {
            $0.timeout = .milliseconds(100)
            $0.retries = 1
        }
        #expect(failure.rejection == Rejection(.timeout, "no answer in 0.1 seconds"))
        #expect(failure.httpStatus == nil)
        #expect(try await server.count("hang?dead") == "2")
    }

    @Test("counts the whole transfer against the time limit, not the silence in it")
    func drip() async throws {
        let failure = try await failure("drip?slow") {
            $0.timeout = .milliseconds(200)
            $0.retries = 1
        }
        #expect(failure.rejection.reason == .timeout)
        #expect(try await server.count("drip?slow") == "2")
    }

    @Test("counts redirects against the time limit")
    func slowRedirects() async throws {
        let failure = try await failure("slow-hop?9") {
            $0.timeout = .milliseconds(450)
            $0.maxRedirects = 9
            $0.retries = 0
        }
        #expect(failure.rejection.reason == .timeout)
    }

    @Test("takes no more of a body than the policy allows", arguments: ["endless", "claims-a-terabyte", "bomb", "ok"])
    func tooLarge(route: String) async throws {
        let failure = try await failure(route) { $0.maxBytes = 10_239 }
        #expect(failure.rejection == Rejection(.tooLarge, "body over 10239 bytes"))
    }

    @Test("takes no more of what stands between chunks, on a new connection and on one that was used before")
    func endlessExtension() async throws {
        var policy = server.policy
        policy.maxBytes = 20_000
        let fetcher = CurlFetcher(policy: policy, connections: 1)
        defer { fetcher.close() }
        for _ in 0..<2 {
            #expect(try await fetcher.fetch(server.url("chunked")).get().bytes == goodBody)
            let answer = await fetcher.fetch(server.url("endless-extension"))
            let failure = try #require(throws: FetchFailure.self) { try answer.get() }
            #expect(failure.rejection == Rejection(.tooLarge, "body over 20000 bytes"))
        }
    }

    @Test("takes a body of just the length that is allowed")
    func justFits() async throws {
        #expect(try await fetch("ok") { $0.maxBytes = 10_240 }.get().bytes == goodBody)
    }

    @Test(
        "takes a broken transfer for a failure, not for a short body",
        arguments: ["claims-too-much", "closes-at-once", "not-http", "encoded?br", "encoded?gzip,gzip", "cut-gzip"])
    func broken(route: String) async throws {
        #expect(try await failure(route).rejection.reason == .downloadError)
    }

    @Test(
        "takes no longer head than the policy allows",
        arguments: ["long-header?90000", "many-headers?20000", "interim-answers-for-ever"])
    func longHead(target: String) async throws {
        let failure = try await failure(target)
        #expect(failure.rejection == Rejection(.downloadError, "response head over 65536 bytes"))
    }

    // MARK: Opt-out

    @Test(
        "drops what its owner reserves, before the body comes", arguments: ["noai", "otherbot:+all,+ourbot:+NoIndex"])
    func optOut(rule: String) async throws {
        let failure = try await failure("forbids?\(rule)")
        #expect(failure.rejection.reason == .optedOut)
        #expect(failure.httpStatus == 200)
    }

    @Test("obeys the reservation protocol, and rules on a redirect")
    func otherOptOuts() async throws {
        #expect(try await failure("reserved").rejection == Rejection(.optedOut, "tdm-reservation: 1"))
        #expect(try await failure("forbids-and-redirects").rejection == Rejection(.optedOut, "X-Robots-Tag: noai"))
    }

    @Test("takes what is reserved where the policy does not honour it")
    func optOutIgnored() async throws {
        #expect(try await fetch("reserved") { $0.honourOptOut = false }.get().bytes == goodBody)
    }
}
