package import Coordination
import Files
import Foundation
package import Logging
package import Serving

/// Serves a coordinator over HTTP/1.1.
///
/// Every message but `GET /healthz` wants a token, before its body is read. Bodies are bounded, what cannot be read
/// is answered with a status and an `ErrorAnswer`. What was shown as a token is in no log.
package struct CoordinatorServer: Sendable {
    /// Where and how the server listens.
    package struct Settings: Sendable {
        /// An IP address.
        package var host = "127.0.0.1"
        /// 0 takes a free one.
        package var port: UInt16 = 0
        /// How many requests may wait for the coordinator; more are told to come back.
        package var waitingLimit = 512
        /// What all workers together may ask of one host: transfers at once, and requests a second, 0 for any number.
        package var hostLimits = (connections: 16, rate: 0.0)
        /// The longest body that is read.
        package var bodyLimit = 1 << 20
        /// What else a client may take.
        package var limits = WebLimits()

        package init() {}
    }

    private let coordinator: Coordinator
    private let settings: Settings
    private let credentials: Credentials
    private let requests = RequestMetrics()
    private let hosts: HostLedger
    private let connections: Connections
    private let logger: Logger

    /// A server for `coordinator`; it may go without a token on loopback only.
    package init(
        _ coordinator: Coordinator, settings: Settings = Settings(), credentials: Credentials, logger: Logger
    ) throws(TransportError) {
        guard !credentials.areOpen || WebServer.isLoopback(settings.host) else {
            throw TransportError(.token, settings.host, "want a token file to listen on more than loopback")
        }
        self.coordinator = coordinator
        hosts = HostLedger(HostShares(connections: settings.hostLimits.connections, rate: settings.hostLimits.rate))
        self.settings = settings
        self.credentials = credentials
        connections = Connections(limit: settings.limits.connections)
        self.logger = logger
    }

    /// Listens while `body` runs, which is given the server's URL, such as `http://127.0.0.1:40123`; also while a
    /// cancelled `body` comes to its end.
    package func serve<Value: Sendable>(
        _ body: @escaping @Sendable (_ url: String) async throws -> Value
    ) async throws -> Value {
        do {
            let server = try WebServer(
                host: settings.host, port: settings.port, limits: settings.limits, connections: connections,
                logger: logger, respond: respond)
            return try await server.serve(body)
        } catch let error as ServingError {
            throw TransportError(.listen, error.address, error.text)
        }
    }

    /// The answer to any request; it never throws, so that what went wrong is always told.
    private func respond(to request: WebRequest) async -> WebAnswer {
        let (start, route) = (ContinuousClock.now, Route(method: request.method, path: request.path))
        let answer = await admit(request, route)
        requests.note(route, status: answer.status, took: .now - start)
        return answer
    }

    /// The answer to a request, unless too many wait already: an answer that comes too late has to be given twice.
    private func admit(_ request: WebRequest, _ route: Route?) async -> WebAnswer {
        guard route != .healthz else { return await answer(to: request, route) }
        defer { requests.left() }
        guard requests.entered(limit: settings.waitingLimit) else {
            return refusal(503, "overloaded", "too many requests wait", retryAfter: 2)
        }
        return await answer(to: request, route)
    }

    private func answer(to request: WebRequest, _ route: Route?) async -> WebAnswer {
        guard credentials.admit(request.header("Authorization"), to: route?.access ?? .read) else {
            logger.debug("unauthorized", metadata: ["route": "\(route?.rawValue ?? "none")"])
            return refusal(401, "unauthorized", "want the token", closes: true)
        }
        guard let route else { return refusal(404, "not_found", "no such message") }
        do {
            return try await answer(request, route)
        } catch let error as CoordinationError {
            logger.debug("message refused", metadata: ["code": "\(error.code.rawValue)"])
            let status = status(for: error)
            return refusal(
                status, error.code.rawValue, error.description,
                retryAfter: status == 503 ? 1 : status == 507 ? 10 : nil)
        } catch let error as DecodingError {
            return refusal(400, "malformed", describe(error))
        } catch BodyFault.tooLong {
            return refusal(413, "too_large", "a body has at most \(settings.bodyLimit) bytes", closes: true)
        } catch BodyFault.cutShort {
            return refusal(400, "malformed", "the body was cut short", closes: true)
        } catch {
            return refusal(500, "internal", "\(error)")
        }
    }

    private func answer(_ request: WebRequest, _ route: Route) async throws -> WebAnswer {
        switch route {
        case .leases:
            let message: AcquireMessage = try await read(request)
            let answer = try await coordinator.acquire(
                worker: message.worker, incarnation: message.incarnation,
                on: message.node, request: message.request, limit: max(1, message.count ?? 1))
            return try json(200, AcquireAnswer(answer))
        case .renew:
            let message: LeaseMessage = try await read(request)
            return try json(200, StandingAnswer(standing: try await coordinator.renew(message.lease)))
        case .publish:
            let message: PublishMessage = try await read(request)
            let standing = try await coordinator.publish(message.lease, message.result)
            return try json(200, StandingAnswer(standing: standing))
        case .fail:
            let message: FailMessage = try await read(request)
            let standing = try await coordinator.fail(message.lease, message: message.message)
            return try json(200, StandingAnswer(standing: standing))
        case .release:
            let message: LeaseMessage = try await read(request)
            return try json(200, StandingAnswer(standing: try await coordinator.release(message.lease)))
        case .heartbeat:
            let report: WorkerReport = try await read(request)
            let lost = try await coordinator.heartbeat(report)
            return try json(
                200, HeartbeatAnswer(lost: lost, hosts: report.hosts.map { hosts.share($0, report.worker) }))
        case .crash:
            let message: CrashMessage = try await read(request)
            let crash = CrashedRow(row: message.row, signal: message.signal)
            return try json(200, StandingAnswer(standing: try await coordinator.crashed(message.lease, crash)))
        case .ended: return try json(200, try await ended(try await read(request)))
        case .status: return try json(200, try await coordinator.status())
        case .manifest:
            let build = try await coordinator.build()
            return try json(
                200,
                ManifestAnswer(
                    manifest: build.manifest, manifestDigest: build.manifestDigest, identity: build.identity,
                    softwareVersion: build.softwareVersion))
        case .healthz: return try json(200, ["status": "ok"])
        case .metrics: return metrics(try await coordinator.status())
        }
    }

    private func ended(_ message: EndedMessage) async throws -> EndedAnswer {
        var workers: [String] = []
        if let node = message.node { workers = try await coordinator.nodeEnded(node, message: message.message) }
        workers.forEach(hosts.forget)
        guard let worker = message.worker else {
            return EndedAnswer(workers: workers, hasWork: try await coordinator.hasWork())
        }
        let wasHeardOf = try await coordinator.workerEnded(
            worker, incarnation: message.incarnation, message: message.message)
        if wasHeardOf { workers.append(worker) }
        hosts.forget(worker)
        return EndedAnswer(workers: workers, hasWork: try await coordinator.needs(worker))
    }

    private func metrics(_ status: BuildStatus) -> WebAnswer {
        let families = status.metrics + requests.families + connections.families + processFamilies()
        return WebAnswer(
            status: 200, headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
            body: Data(families.map(\.text).joined().utf8))
    }

    /// The message in the body of `request`.
    private func read<Message: Decodable>(_ request: WebRequest) async throws -> Message {
        try decodeJSON(Message.self, from: try await request.body(limit: settings.bodyLimit))
    }

    private func json(_ status: Int, _ value: some Encodable, closes: Bool = false) throws -> WebAnswer {
        WebAnswer(
            status: status, headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
            body: try encodeJSON(value), closes: closes)
    }

    /// `retryAfter` is when to come back, in seconds.
    private func refusal(
        _ status: Int, _ code: String, _ message: String, retryAfter: Int? = nil, closes: Bool = false
    ) -> WebAnswer {
        do {
            var answer = try json(
                status, ErrorAnswer(code: code, message: String(message.prefix(1000))), closes: closes)
            if let retryAfter { answer.headers.append(("Retry-After", "\(retryAfter)")) }
            return answer
        } catch {
            return WebAnswer(status: status, closes: closes)
        }
    }

    /// 503 invites to try again, 507 when there is room, 422 does not.
    private func status(for error: CoordinationError) -> Int {
        if isDiskFull(error) { return 507 }
        return switch error.code {
        case .busy, .store, .locked, .deposed: 503
        case .newerSchema, .olderSchema, .manifestChanged, .planning, .badResult, .publish, .conflict: 422
        }
    }

    /// `error` without what was sent.
    private func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "no \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "not as expected at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
        @unknown default: "not as expected"
        }
    }
}
