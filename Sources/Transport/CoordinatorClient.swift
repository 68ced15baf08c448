package import Coordination
package import Foundation
package import Samples

/// A request, as any HTTP client understands it.
package struct ClientRequest: Hashable, Sendable {
    /// `GET` or `POST`.
    package let method: String
    package let url: String
    package let headers: [String: String]
    /// Empty with `GET`.
    package let body: Data
    /// For the whole exchange.
    package let timeout: Duration
}

/// What came back.
package struct ClientResponse: Hashable, Sendable {
    package let status: Int
    package let body: Data
    /// When to come back, as the answer says.
    package let retryAfter: Duration?

    package init(status: Int, body: Data, retryAfter: Duration? = nil) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
    }
}

/// Sends one request; throws when no complete answer came back, whatever the reason.
package typealias SendRequest = @Sendable (ClientRequest) async throws -> ClientResponse

/// How a client meets silence.
package struct RetryPolicy: Sendable {
    /// The pause before the second try; it doubles, and is shortened by chance by up to a half.
    package var firstPause: Duration = .milliseconds(200)
    /// The longest pause.
    package var longestPause: Duration = .seconds(10)
    /// After so long without an answer the coordinator is given up.
    package var patience: Duration = .seconds(15 * 60)
    /// For each exchange but `publish`.
    package var timeout: Duration = .seconds(30)
    /// For a `publish`, whose files may lie on a slow disk.
    package var publishTimeout: Duration = .seconds(150)
    /// After so long the client believes that the coordinator does not know its token, where the file may yet change.
    package var tokenPatience: Duration = .seconds(30)

    package init() {}
}

/// A worker's side of the conversation with the coordinator; one for each process, which it names.
///
/// Every message may be sent twice without harm, so a message without an answer is sent again, with growing pauses,
/// until `RetryPolicy.patience` is used up; then the call throws `unreachable`. Before each further try the files of ``CoordinatorAccess``
/// are read again; where they say that the coordinator has nothing left to do, the call throws `finished`.
package struct CoordinatorClient: Sendable {
    private let access: CoordinatorAccess
    private let worker: String
    private let node: String?
    private let incarnation: String
    private let policy: RetryPolicy
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    private let chance: @Sendable () -> Double
    private let send: SendRequest

    /// A client of the coordinator that `access` leads to, for the worker of that name on `node`; `incarnation` is which process of
    /// that name it is, `chance` gives numbers from 0 to 1.
    package init(
        _ access: CoordinatorAccess, worker: String, node: String? = nil,
        incarnation: String = Self.newIncarnation(), policy: RetryPolicy = RetryPolicy(),
        clock: some Clock<Duration> = ContinuousClock(),
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }, send: @escaping SendRequest
    ) {
        self.access = access
        self.worker = worker
        (self.node, self.incarnation) = (node, incarnation)
        self.policy = policy
        self.clock = clock
        self.stopwatch = Stopwatch(clock)
        self.chance = chance
        self.send = send
    }

    /// A client of the coordinator at `url`, wherever it may go.
    package init(
        url: String, worker: String, token: AccessToken?, policy: RetryPolicy = RetryPolicy(),
        clock: some Clock<Duration> = ContinuousClock(),
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }, send: @escaping SendRequest
    ) {
        self.init(
            CoordinatorAccess(url: url, token: token), worker: worker, policy: policy, clock: clock, chance: chance,
            send: send)
    }

    /// A name for one more process, drawn at random.
    package static func newIncarnation() -> String { BuildID.random().text }

    /// The next units to work on, at most `limit`, or what to do without one.
    package func acquire(limit: Int = 1) async throws -> LeaseAnswer {
        let message = AcquireMessage(
            worker: worker, incarnation: incarnation, request: UUID().uuidString, count: limit, node: node)
        let answer: AcquireAnswer = try await post("leases", message)
        guard let value = answer.value else {
            throw TransportError(.protocolMismatch, access.current.url, "half an answer to a request for work")
        }
        return value
    }

    /// Lets `lease` live on: to be sent when its unit has moved, several times while a lease lasts.
    package func renew(_ lease: Lease) async throws -> LeaseStanding {
        let answer: StandingAnswer = try await post("renew", LeaseMessage(lease: lease))
        return answer.standing
    }

    /// Publishes a unit whose files lie whole and synced in scratch; `refused` when they cannot be put in place.
    package func publish(_ lease: Lease, _ result: UnitResult) async throws -> LeaseStanding {
        let answer: StandingAnswer = try await post("publish", PublishMessage(lease: lease, result: result))
        return answer.standing
    }

    /// Says that a unit failed; it goes to another worker, or is given up.
    package func fail(_ lease: Lease, message: String) async throws -> LeaseStanding {
        let answer: StandingAnswer = try await post("fail", FailMessage(lease: lease, message: message))
        return answer.standing
    }

    /// Gives a unit back that was not finished because this worker was asked to stop.
    package func release(_ lease: Lease) async throws -> LeaseStanding {
        let answer: StandingAnswer = try await post("release", LeaseMessage(lease: lease))
        return answer.standing
    }

    /// Tells how far the worker is; answers which of the leases named are not its any more: their work is to be dropped; and
    /// what it may use of the hosts that it names.
    ///
    /// It is sent once: the next one says what a lost one would have.
    package func heartbeat(
        _ counts: WorkerCounts, units: [WorkerReport.Progress], hosts: [HostUse]? = nil
    ) async throws -> (lost: [Lease], hosts: [HostShare]) {
        let report = WorkerReport(worker: worker, node: node, counts: counts, units: units, hosts: hosts)
        let answer: HeartbeatAnswer = try await post("heartbeat", report, patience: .zero)
        return (answer.lost, answer.hosts ?? [])
    }

    /// Says on which row the holder of `lease` crashed; the unit goes to others, who leave the row out.
    package func crashed(_ lease: Lease, _ crash: CrashedRow) async throws -> LeaseStanding {
        let message = CrashMessage(lease: lease, row: crash.row, signal: crash.signal)
        let answer: StandingAnswer = try await post("crash", message)
        return answer.standing
    }

    /// Says that this worker's process has ended: what it held goes to others.
    ///
    /// `message` says what became of it, and counts as a failure of each of its units. Answers whether it had ever asked for work, and whether there is work left.
    package func ended(message: String?) async throws -> (wasHeardOf: Bool, hasWork: Bool) {
        let answer: EndedAnswer = try await post(
            "workers/ended", EndedMessage(worker: worker, incarnation: incarnation, message: message))
        return (!answer.workers.isEmpty, answer.hasWork)
    }

    /// Says that `node` is down, so that what its workers held goes to others; answers who they were.
    package func ended(node: String) async throws -> [String] {
        let answer: EndedAnswer = try await post("workers/ended", EndedMessage(node: node))
        return answer.workers
    }

    /// How far the build is.
    package func status() async throws -> BuildStatus { try await exchange("GET", "status", Data()) }

    /// What is built.
    package func manifest() async throws -> ManifestAnswer { try await exchange("GET", "manifest", Data()) }

    private func post<Answer: Decodable>(
        _ name: String, _ message: some Encodable, patience: Duration? = nil
    ) async throws -> Answer {
        try await exchange("POST", name, try encodeJSON(message), patience: patience)
    }

    private func exchange<Answer: Decodable>(
        _ method: String, _ name: String, _ body: Data, patience: Duration? = nil
    ) async throws -> Answer {
        let response = try await sendPatiently(method, name, body, patience ?? policy.patience)
        do {
            return try decodeJSON(Answer.self, from: response.body)
        } catch {
            throw TransportError(
                .protocolMismatch, "\(access.current.url)\(apiPath)/\(name)", "not an answer of this version")
        }
    }

    /// The request as it is to be sent now.
    private func request(_ method: String, _ name: String, _ body: Data) -> ClientRequest {
        let access = access.current
        var headers = ["Content-Type": "application/json", "Accept": "application/json"]
        if let token = access.token { headers["Authorization"] = "Bearer \(token.secret)" }
        return ClientRequest(
            method: method, url: "\(access.url)\(apiPath)/\(name)", headers: headers, body: body,
            timeout: name == "publish" ? policy.publishTimeout : policy.timeout)
    }

    private struct Moved: Error, CustomStringConvertible { var description: String { "another coordinator leads" } }

    /// Sends `request`, and waits no longer once the file names another coordinator: this one may be stopped.
    private func sendWhileCurrent(_ request: ClientRequest) async throws -> ClientResponse {
        guard access.canMove else { return try await send(request) }
        let (send, access) = (send, access)
        return try await withThrowingTaskGroup(of: ClientResponse.self) { group in
            group.addTask { try await send(request) }
            group.addTask {
                repeat {
                    try await Task.sleep(for: .seconds(2))
                    _ = try await access.refresh()
                } while request.url.hasPrefix(access.current.url + "/")
                throw Moved()
            }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }

    /// Sends a message until there is an answer that another try would not change.
    private func sendPatiently(
        _ method: String, _ name: String, _ body: Data, _ wholePatience: Duration
    ) async throws -> ClientResponse {
        let start = stopwatch.elapsed
        var pause = policy.firstPause
        while true {
            let request = request(method, name, body)
            var fault: TransportError
            var patience = wholePatience
            var asked = Duration.zero
            do {
                let response = try await sendWhileCurrent(request)
                let text = "status \(response.status)\(message(in: response))"
                asked = min(response.retryAfter ?? .zero, policy.longestPause)
                switch response.status {
                case 200: return response
                case 401:
                    fault = TransportError(.unauthorized, request.url, "the coordinator does not know the token")
                    patience = access.canChange ? min(policy.tokenPatience, wholePatience) : .zero
                case 507:
                    let text = "the disk of the build is full\(message(in: response))"
                    throw TransportError(.diskFull, request.url, text)
                case 408, 429, 500...599:
                    fault = TransportError(.unreachable, request.url, "no answer for \(patience): \(text)")
                default: throw TransportError(.refused, request.url, text)
                }
            } catch let error as TransportError {
                throw error
            } catch {
                try Task.checkCancellation()
                fault = TransportError(.unreachable, request.url, "no answer for \(patience): \(error)")
            }
            // What the files say now may be what another coordinator, in its place, wrote.
            if try await access.refresh() { continue }
            // Not all at once, when all were told to come back.
            let shortened = pause * (1 - chance() / 2) + asked * (1 + chance() / 2)
            guard stopwatch.elapsed - start + shortened < patience else { throw fault }
            try await clock.sleep(for: shortened)
            pause = min(pause * 2, policy.longestPause)
        }
    }

    private func message(in response: ClientResponse) -> String {
        do {
            return ": " + (try decodeJSON(ErrorAnswer.self, from: response.body)).message
        } catch {
            return ""  // an answer of something else on the way
        }
    }
}
