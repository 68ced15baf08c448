import Foundation
import Samples
import Testing

@testable import Fetching

private let nameServer = SupportScript("name_server.py")

@Suite("a resolver of names", .serialized)
struct NameResolverTests {
    private let server = "127.0.0.1:\(nameServer.words[0])"

    /// Looks `names` up, one after the other, as the thread of a loop would.
    private func lookUp(
        _ names: [String], servers: [String]? = nil, isFresh: Bool = false
    ) -> [NameResolver.Answer] {
        let resolver = NameResolver(servers: servers ?? [server])
        return names.map { name in
            var answer: NameResolver.Answer?
            resolver.lookUp(name, isFresh: isFresh, at: ContinuousClock().now) { answer = $0 }
            while answer == nil {
                let sockets = resolver.sockets
                var polled = sockets.map { socket in
                    let events = (socket.isForReading ? POLLIN : 0) | (socket.isForWriting ? POLLOUT : 0)
                    return pollfd(fd: socket.descriptor, events: Int16(events), revents: 0)
                }
                poll(&polled, nfds_t(polled.count), Int32((resolver.wait ?? .zero) / .milliseconds(1)))
                for (socket, one) in zip(sockets, polled) where one.revents != 0 { resolver.process(socket) }
                resolver.process()
            }
            return answer ?? .failed
        }
    }

    private func addresses(_ answer: NameResolver.Answer) -> [String]? {
        if case .found(let entry) = answer { entry.addresses.map(\.description) } else { nil }
    }

    @Test(
        "finds addresses, over TCP where they are many, though one family cannot be asked for or a packet is lost",
        arguments: ["ok.test", "long.test", "half.test", "lossy.test"])
    func found(name: String) {
        #expect(lookUp([name]).map(addresses) == [["127.0.0.1"]])
    }

    @Test(
        "takes a server's word that there is no such name, or none with an address",
        arguments: ["no.test", "empty.test"])
    func none(name: String) {
        guard case .none = lookUp([name])[0] else { return #expect(Bool(false), "\(name)") }
    }

    @Test("takes a server's failure for no answer, for one family too", arguments: ["broken.test", "unsaid.test"])
    func failed(name: String) {
        guard case .failed = lookUp([name])[0] else { return #expect(Bool(false), "\(name)") }
    }

    @Test("asks the next server where one does not answer")
    func servers() {
        let dead = RefusingPort(SOCK_DGRAM)
        #expect(
            lookUp(["ok.test"], servers: ["127.0.0.1:\(dead.number)", server]).map(addresses) == [["127.0.0.1"]])
    }

    @Test("honours /etc/hosts without asking a server")
    func hostsFile() {
        let dead = RefusingPort(SOCK_DGRAM)
        let answer = lookUp(["localhost"], servers: ["127.0.0.1:\(dead.number)"])[0]
        #expect(addresses(answer)?.contains("127.0.0.1") == true)
    }

    @Test("remembers what it heard, for better and worse, unless a fresh answer is wanted")
    func remembers() {
        let names = ["ok-kept.test", "ok-kept.test", "missing-kept.test", "missing-kept.test"]
        _ = lookUp(names + ["broken.test"])
        #expect(lookUp(["count-ok-kept.test"]).map(addresses) == [["10.0.0.1"]])
        #expect(lookUp(["count-missing-kept.test"]).map(addresses) == [["10.0.0.1"]])
        _ = lookUp(["ok-fresh.test", "ok-fresh.test"], isFresh: true)
        #expect(lookUp(["count-ok-fresh.test"]).map(addresses) == [["10.0.0.2"]])
    }

    @Test("keeps answers for their lifetime, within bounds, and no more of them than there is room for")
    func cache() {
        var cache = NameCache()
        let start = ContinuousClock().now
        let address = NetworkAddress(ipv4: 1)
        #expect(cache.store([address], of: "a", lifetime: .seconds(60), at: start).until == start + .seconds(60))
        #expect(cache.store([address], of: "b", lifetime: .zero, at: start).until == start + .seconds(5))
        #expect(cache.store([address], of: "c", lifetime: .seconds(1 << 30), at: start).until == start + .seconds(3600))
        #expect(cache.entry(of: "a", at: start + .seconds(59))?.addresses == [address])
        #expect(cache.entry(of: "a", at: start + .seconds(60)) == nil)
        for number in 0..<NameCache.limit { _ = cache.store([], of: "n\(number)", lifetime: .zero, at: start) }
        #expect(cache.count == NameCache.limit)
        #expect(cache.entry(of: "a", at: start) == nil)
    }

    // MARK: - Through a fetcher

    private func fetch(_ host: String, _ change: (inout FetchPolicy) -> Void = { _ in }) async -> Rejection? {
        var policy = WebServer.shared.policy
        change(&policy)
        let fetcher = CurlFetcher(policy: policy, connections: 4, nameServers: [server])
        let answer = await fetcher.fetch("http://\(host):\(WebServer.shared.port)/ok")
        if case .failure(let failure) = answer { return failure.rejection }
        return nil
    }

    @Test(
        "serves rows: names are found at the second question, international ones too",
        arguments: ["fails-once.test", "bücher.test"])
    func rows(host: String) async {
        #expect(await fetch(host) { $0.patience = .seconds(20) } == nil)
    }

    @Test("ends a row at once whose host is not, and one whose name nobody knows after its tries")
    func noSuchHost() async {
        #expect(await fetch("no.test") { $0.patience = .seconds(100) } == Rejection(.downloadError, "no such host"))
        #expect(await fetch("broken.test") == Rejection(.downloadError, "name lookup failed"))
    }

    @Test("lets other workers know of a name that no server can look up", .timeLimit(.minutes(1)))
    func sharedFailures() async throws {
        func fetcher(_ hosts: SharedHosts, patience: Duration) -> CurlFetcher {
            var policy = WebServer.shared.policy
            policy.patience = patience
            return CurlFetcher(policy: policy, connections: 4, nameServers: [server], hosts: hosts)
        }
        let port = WebServer.shared.port
        let (first, second) = (SharedHosts(connections: 4, rate: 0), SharedHosts(connections: 4, rate: 0))
        let quick = fetcher(first, patience: .milliseconds(50))
        _ = await quick.fetch("http://broken.test:\(port)/ok")
        let told = try #require(first.uses(at: .now).first { $0.news != nil })
        #expect(told.news?.finding?.message == "name lookup failed" && told.host.contains("broken.test"))

        let patient = fetcher(second, patience: .seconds(1000))
        async let answer = patient.fetch("http://broken.test:\(port)/ok")
        var uses: [HostUse] = []
        while uses.isEmpty {
            try await Task.sleep(for: .milliseconds(5))
            uses = second.uses(at: .now)
        }
        let share = HostShare(host: told.host, connections: 0, rate: 0, news: told.news)
        patient.apply([share], to: uses, asked: .now)
        guard case .failure(let failure) = await answer else {
            Issue.record("a name that nobody knows was found")
            return
        }
        #expect(failure.rejection.message == "name lookup failed")
    }

    @Test("does not let a name lead to a private address")
    func judged() async {
        #expect(
            await fetch("ok.test") { $0.allowedEndpoints = [] } == Rejection(.blockedAddress, "loopback address"))
    }
}
