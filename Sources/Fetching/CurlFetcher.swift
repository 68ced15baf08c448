import Glibc
import Locks
package import Samples

/// Fetches over HTTP and HTTPS, hundreds of transfers at once on one thread.
///
/// Every URL, every redirect and every address is judged before it is used. When a request goes out is decided by a
/// `Frontier`, each hop of a redirect as a request of its own; a fetch that waits holds no slot.
package final class CurlFetcher: Fetcher {
    private let policy: FetchPolicy
    private let urlGuard: URLGuard
    private let reader: AnswerReader
    private let seed: UInt64
    private let clock: any Clock<Duration>
    private let loop: TransferLoop
    /// What the coordinator shares out; nil where it does not.
    package let hosts: SharedHosts?
    private let attemptFailed: @Sendable (FailedAttempt) -> Void
    /// Why the bounds for hosts are not shared with other processes as was asked for; nil where they are.
    package let sharingFault: String?

    /// A fetcher with a thread of its own, on which `connections` transfers run at once.
    ///
    /// `clock` measures the pauses of single rows, `seed` is what their jitter is drawn from. No transfer starts while
    /// `hasRoom` says no; it is asked again when one ends, and by `wake`. `nameServers`, addresses with or without a port,
    /// are asked for names, those of the system where there are none. With a `proxy`, all transfers go through it, which
    /// finds the hosts' addresses itself: they cannot be judged then. The bounds for each host are counted over all
    /// processes of `shared`, or, with `hosts`, shared out by the coordinator. `outage` is told of outages, on that thread;
    /// `attemptFailed` is the history of every fetch, from any thread.
    package init(
        policy: FetchPolicy, connections: Int, seed: UInt64 = 0, clock: any Clock<Duration> = ContinuousClock(),
        nameServers: [String] = [], proxy: String = "", shared: SharedBounds? = nil, hosts: SharedHosts? = nil,
        hasRoom: @escaping @Sendable () -> Bool = { true },
        outage: @escaping @Sendable (OutageEvent) -> Void = { _ in },
        attemptFailed: @escaping @Sendable (FailedAttempt) -> Void = { _ in }
    ) {
        self.policy = policy
        self.attemptFailed = attemptFailed
        self.hosts = hosts
        let urlGuard = URLGuard(policy)
        self.urlGuard = urlGuard
        reader = AnswerReader(policy, now: { time(nil) })
        self.seed = seed
        self.clock = clock
        let limits = Frontier.Limits(
            slots: connections, perHost: policy.connectionsPerHost, retries: policy.retries,
            patience: policy.patience, outage: policy.outage)
        // The coordinator's shares are within the same bounds.
        let table =
            hosts == nil
            ? HostTable(shared, connections: policy.connectionsPerHost, rate: policy.requestsPerSecond) : nil
        sharingFault = table?.fault
        loop = TransferLoop(
            limits, userAgent: policy.userAgent, proxy: proxy,
            resolver: proxy.isEmpty ? NameResolver(servers: nameServers) : nil,
            table: table, shared: hosts,
            events: TransferLoop.Events(hasRoom: hasRoom, judge: urlGuard.judge, outage: outage))
    }

    deinit { loop.close() }

    /// Whether `nameServers` are addresses that can be asked.
    package static func canAsk(nameServers: [String]) -> Bool { NameResolver.canAsk(nameServers) }

    /// Looks again whether there is room for what waits.
    package func wake() { loop.wake() }

    /// Takes in the coordinator's answer to `uses`, which `hosts` gave at the time `asked`.
    package func apply(_ shares: [HostShare], to uses: [HostUse], asked: ContinuousClock.Instant) {
        guard let news = hosts?.apply(shares, to: uses, asked: asked), !news.isEmpty else { return }
        loop.hear(news)
    }

    /// Ends what is under way and the thread; later fetches fail.
    package func close() { loop.close() }

    package func fetch(_ url: String, observer: any FetchObserver) async -> Result<FetchedBody, FetchFailure> {
        do throws(FetchFailure) {
            return .success(try await fetch(try urlGuard.address(of: url), observer))
        } catch {
            return .failure(error)
        }
    }

    /// Tries until there is a body, a fault that will not pass, or no patience left.
    private func fetch(_ address: WebAddress, _ observer: any FetchObserver) async throws(FetchFailure) -> FetchedBody {
        var plan = RetryPlan(policy, seed: seed, url: "\(address)")
        var (last, number) = (FetchFailure?.none, 0)
        while true {
            do throws(AnswerReading.Fault) {
                return try await attempt(address, observer)
            } catch {
                // A host that is given up ends all its rows; each says what was the matter with itself, if it was tried.
                let failure = error.isOfHost ? last ?? error.failure : error.failure
                let now = ContinuousClock.now
                let pause = error.mayPass ? plan.pause(after: error.standing, at: now) : nil
                number += 1
                attemptFailed(
                    FailedAttempt(url: "\(address)", number: number, failure: failure, isLast: pause == nil))
                guard let pause else { throw failure }
                last = failure
                guard pause > .zero else { continue }
                observer.putOff(until: now + pause)
                // Only a cancelled task wakes early; then the fault that it met is its answer.
                guard (try? await clock.sleep(for: pause)) != nil else { throw failure }
                observer.resumed()
            }
        }
    }

    /// Where one try is on its way along the redirects of a URL.
    private struct Hop {
        var address: WebAddress
        var timeLeft: Duration
        var redirectsLeft: Int
    }

    /// One try: the transfers of a URL and its redirects within one time limit.
    private func attempt(
        _ start: WebAddress, _ observer: any FetchObserver
    ) async throws(AnswerReading.Fault) -> FetchedBody {
        var hop = Hop(address: start, timeLeft: policy.timeout, redirectsLeft: policy.maxRedirects)
        while true {
            let answer = await loop.run(try request(hop, observer))
            if let body = try follow(answer, &hop) { return body }
        }
    }

    /// The body that `answer` gave for `hop`; nil where it leads to another hop.
    ///
    /// Not inlined: thousands of rows wait for their answer, and what is only needed afterwards would wait with each.
    @inline(never)
    private func follow(_ answer: ExchangeAnswer, _ hop: inout Hop) throws(AnswerReading.Fault) -> FetchedBody? {
        switch reader.read(answer, of: hop.address) {
        case .body:
            return FetchedBody(bytes: answer.body, httpStatus: answer.head.status, finalURL: "\(hop.address)")
        case .fault(var fault):
            // A host that was given little time is not at fault, so its state excuses nothing.
            if isShort(hop.timeLeft), answer.ending == .timedOut { fault.standing.excuses = false }
            throw fault
        case .redirect(let location):
            hop.address = try target(
                of: location, from: hop.address, status: answer.head.status, left: hop.redirectsLeft)
            hop.redirectsLeft -= 1
            hop.timeLeft -= answer.times.elapsed
            guard hop.timeLeft > .zero else {
                let rejection = Rejection(.timeout, "no complete answer in \(policy.timeout)")
                throw AnswerReading.Fault(
                    failure: FetchFailure(rejection, finalURL: "\(hop.address)"), mayPass: true,
                    standing: answer.standing)
            }
            return nil
        }
    }

    /// Where a redirect of `address` leads, if `left` more redirects may be followed.
    private func target(
        of location: String, from address: WebAddress, status: Int, left: Int
    ) throws(AnswerReading.Fault) -> WebAddress {
        let rejection: Rejection
        if left > 0 {
            do throws(FetchFailure) {
                return try urlGuard.redirect(of: address, to: location)
            } catch {
                // The row's own URL was good: what a server makes of it is the server's fault.
                let reason = error.rejection.reason == .badRow ? .httpError : error.rejection.reason
                rejection = Rejection(reason, "redirect: \(error.rejection.message)")
            }
        } else {
            rejection = Rejection(.httpError, "more than \(policy.maxRedirects) redirects")
        }
        throw AnswerReading.Fault(failure: FetchFailure(rejection, httpStatus: status, finalURL: "\(address)"))
    }

    /// Whether earlier hops left so little of the time limit that the next host is not to blame for the rest.
    private func isShort(_ left: Duration) -> Bool { left < policy.timeout / 2 }

    /// - Throws: Where the address is that of a placeholder.
    @inline(never)
    private func request(_ hop: Hop, _ observer: any FetchObserver) throws(AnswerReading.Fault) -> ExchangeRequest {
        let (address, isShort) = (hop.address, isShort(hop.timeLeft))
        guard !policy.isPlaceholder("\(address)") else {
            let rejection = Rejection(.placeholder, "a placeholder for an image that was removed")
            throw AnswerReading.Fault(failure: FetchFailure(rejection, finalURL: "\(address)"))
        }
        return ExchangeRequest(
            url: "\(address)", origin: address.origin, name: address.name,
            headers: [
                "Accept: image/jpeg,image/png,image/webp,image/gif,*/*;q=0.5", "Accept-Encoding: gzip, deflate",
            ], timeout: hop.timeLeft,
            maxBytes: policy.maxBytes, maxHeaderBytes: policy.maxHeaderBytes, bodyUse: reader.bodyUse,
            judge: urlGuard.judge, hostOutcome: { [reader] in reader.hostOutcome($0, inShortTime: isShort) },
            observer: observer)
    }
}

extension WebAddress {
    /// The name that must be looked up, if the host is not an address.
    fileprivate var name: ExchangeRequest.Name? { literal == nil ? ExchangeRequest.Name(host: host, port: port) : nil }
}
