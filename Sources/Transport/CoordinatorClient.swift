package import Coordination
package import Foundation

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

    package init(status: Int, body: Data) {
        self.status = status
        self.body = body
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
    package var patience: Duration = .seconds(120)
    /// For each exchange.
    package var timeout: Duration = .seconds(150)

    package init() {}
}

/// A worker's side of the conversation with the coordinator.
///
/// Every message may be sent twice without harm, so a message without an answer is sent again, with growing pauses,
/// until `RetryPolicy.patience` is used up; then the call throws `unreachable`.
package struct CoordinatorClient: Sendable {
    private let url: String
    private let worker: String
    private let token: AccessToken?
    private let policy: RetryPolicy
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch
    private let chance: @Sendable () -> Double
    private let send: SendRequest

    /// A client of the coordinator at `url`, for the worker of that name; `chance` gives numbers from 0 to 1.
    package init(
        url: String, worker: String, token: AccessToken?, policy: RetryPolicy = RetryPolicy(),
        clock: some Clock<Duration> = ContinuousClock(),
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }, send: @escaping SendRequest
    ) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.worker = worker
        self.token = token
        self.policy = policy
        self.clock = clock
        self.stopwatch = Stopwatch(clock)
        self.chance = chance
        self.send = send
    }

    /// The next unit to work on, or what to do without one.
    package func acquire() async throws -> LeaseAnswer {
        let message = AcquireMessage(worker: worker, request: UUID().uuidString)
        let answer: AcquireAnswer = try await post("leases", message)
        guard let value = answer.value else {
            throw TransportError(.protocolMismatch, url, "half an answer to a request for work")
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

    /// Tells how far the worker is; answers which of the leases named are not its any more: their work is to be dropped.
    package func heartbeat(
        _ counts: WorkerCounts, units: [WorkerReport.Progress]
    ) async throws -> [Lease] {
        let report = WorkerReport(worker: worker, counts: counts, units: units)
        let answer: HeartbeatAnswer = try await post("heartbeat", report)
        return answer.lost
    }

    /// How far the build is.
    package func status() async throws -> BuildStatus { try await exchange("GET", "status", Data()) }

    /// What is built.
    package func manifest() async throws -> ManifestAnswer { try await exchange("GET", "manifest", Data()) }

    private func post<Answer: Decodable>(_ name: String, _ message: some Encodable) async throws -> Answer {
        try await exchange("POST", name, try encodeJSON(message))
    }

    private func exchange<Answer: Decodable>(_ method: String, _ name: String, _ body: Data) async throws -> Answer {
        var headers = ["Content-Type": "application/json", "Accept": "application/json"]
        if let token { headers["Authorization"] = "Bearer \(token.secret)" }
        let request = ClientRequest(
            method: method, url: "\(url)\(apiPath)/\(name)", headers: headers, body: body, timeout: policy.timeout)
        let response = try await sendPatiently(request)
        do {
            return try decodeJSON(Answer.self, from: response.body)
        } catch {
            throw TransportError(.protocolMismatch, request.url, "not an answer of this version")
        }
    }

    /// Sends `request` until there is an answer that another try would not change.
    private func sendPatiently(_ request: ClientRequest) async throws -> ClientResponse {
        let start = stopwatch.elapsed
        var pause = policy.firstPause
        while true {
            var fault: String
            do {
                let response = try await send(request)
                switch response.status {
                case 200: return response
                case 401: throw TransportError(.unauthorized, request.url, "the coordinator does not know the token")
                case 507:
                    let text = "the disk of the build is full\(message(in: response))"
                    throw TransportError(.diskFull, request.url, text)
                case 408, 429, 500...599: fault = "status \(response.status)\(message(in: response))"
                default:
                    let text = "status \(response.status)\(message(in: response))"
                    throw TransportError(.refused, request.url, text)
                }
            } catch let error as TransportError {
                throw error
            } catch {
                try Task.checkCancellation()
                fault = "\(error)"
            }
            let shortened = pause * (1 - chance() / 2)
            guard stopwatch.elapsed - start + shortened < policy.patience else {
                throw TransportError(.unreachable, request.url, "no answer for \(policy.patience): \(fault)")
            }
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
