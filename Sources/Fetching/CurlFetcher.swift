import Glibc
import Samples
import Synchronization

/// Fetches over HTTP and HTTPS, hundreds of transfers at once on one thread.
///
/// Every URL, every redirect and every address is judged before it is used. A transfer in back-off holds no slot.
package final class CurlFetcher: Fetcher {
    private let policy: FetchPolicy
    private let urlGuard: URLGuard
    private let reader: AnswerReader
    private let backOff: BackOff
    private let clock: any Clock<Duration>
    private let loop: TransferLoop
    private let health = Mutex(HostHealth())

    /// A fetcher with a thread of its own, on which `connections` transfers run at once; others wait, first come first.
    ///
    /// `clock` measures the pauses between tries, `seed` is what their jitter is drawn from. No transfer starts while
    /// `hasRoom` says no; it is asked again when one ends, and by `wake`.
    package init(
        policy: FetchPolicy, connections: Int, seed: UInt64 = 0, clock: any Clock<Duration> = ContinuousClock(),
        hasRoom: @escaping @Sendable () -> Bool = { true }
    ) {
        self.policy = policy
        urlGuard = URLGuard(policy)
        reader = AnswerReader(policy, now: { time(nil) })
        backOff = BackOff(policy, seed: seed)
        self.clock = clock
        loop = TransferLoop(
            connections: connections, perHost: policy.connectionsPerHost, userAgent: policy.userAgent,
            hasRoom: hasRoom)
    }

    deinit { loop.close() }

    /// Looks again whether there is room for what waits.
    package func wake() { loop.wake() }

    /// Ends what is under way and the thread; later fetches fail.
    package func close() { loop.close() }

    package func fetch(_ url: String, observer: any FetchObserver) async -> Result<FetchedBody, FetchFailure> {
        do throws(FetchFailure) {
            return .success(try await fetch(try urlGuard.address(of: url)))
        } catch {
            return .failure(error)
        }
    }

    /// Tries until there is a body, or a fault that will not pass, or no try is left.
    private func fetch(_ address: WebAddress) async throws(FetchFailure) -> FetchedBody {
        var retry = 1
        while true {
            do throws(AnswerReading.Fault) {
                return try await attempt(address)
            } catch {
                let pause = backOff.pause(before: retry, of: "\(address)", retryAfter: error.retryAfter)
                // Only a cancelled task wakes early; then the fault that it met is its answer.
                guard error.mayPass, let pause, (try? await clock.sleep(for: pause)) != nil else { throw error.failure }
                retry += 1
            }
        }
    }

    /// One try: the transfers of a URL and its redirects within one time limit.
    private func attempt(_ start: WebAddress) async throws(AnswerReading.Fault) -> FetchedBody {
        var address = start
        var left = policy.timeout
        var redirectsLeft = policy.maxRedirects
        while true {
            if let fault = refusal(of: address) { throw fault }
            let answer = await loop.run(request(address, timeout: max(left, .milliseconds(1))))
            health.withLock { [origin = address.origin] in $0.note(answer, of: origin, at: ContinuousClock().now) }
            switch reader.read(answer, of: address) {
            case .body:
                return FetchedBody(bytes: answer.body, httpStatus: answer.head.status, finalURL: "\(address)")
            case .fault(let fault):
                throw fault
            case .redirect(let location):
                address = try target(of: location, from: address, status: answer.head.status, left: redirectsLeft)
                redirectsLeft -= 1
                left -= answer.elapsed
            }
        }
    }

    /// Why nothing is asked of `address`: it is known to be no image, or its host to answer to nothing.
    private func refusal(of address: WebAddress) -> AnswerReading.Fault? {
        let rejection: Rejection
        if policy.isPlaceholder("\(address)") {
            rejection = Rejection(.placeholder, "stands for an image that is gone")
        } else if health.withLock({ $0.isAside(address.origin, at: ContinuousClock().now) }) {
            rejection = Rejection(.downloadError, "the host is put aside, because it did not answer lately")
        } else {
            return nil
        }
        return AnswerReading.Fault(failure: FetchFailure(rejection, finalURL: "\(address)"))
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
                rejection = Rejection(error.rejection.reason, "redirect: \(error.rejection.message)")
            }
        } else {
            rejection = Rejection(.httpError, "more than \(policy.maxRedirects) redirects")
        }
        throw AnswerReading.Fault(failure: FetchFailure(rejection, httpStatus: status, finalURL: "\(address)"))
    }

    private func request(_ address: WebAddress, timeout: Duration) -> ExchangeRequest {
        ExchangeRequest(
            url: "\(address)", origin: address.origin,
            headers: ["Accept: image/jpeg,image/png,image/webp,image/gif,*/*;q=0.5"], timeout: timeout,
            maxBytes: policy.maxBytes, maxHeaderBytes: policy.maxHeaderBytes, bodyUse: reader.bodyUse,
            judge: urlGuard.judge)
    }
}
