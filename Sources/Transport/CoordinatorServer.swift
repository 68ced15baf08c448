package import Coordination
import Files
import FlyingFox
import FlyingSocks
import Foundation
package import Logging

/// Serves a coordinator over HTTP/1.1.
///
/// Every message but `GET /healthz` wants the token. Bodies are bounded, handlers have a deadline, what cannot be read
/// is answered with a status and an `ErrorAnswer`. The secret is in no log.
package struct CoordinatorServer: Sendable {
    /// Where and how the server listens.
    package struct Settings: Sendable {
        /// An IPv4 address.
        package var host = "127.0.0.1"
        /// 0 takes a free one.
        package var port: UInt16 = 0
        /// The longest body that is read.
        package var bodyLimit = 1 << 20
        /// How long a request may take, publishing included.
        package var timeout: Duration = .seconds(120)

        package init() {}
    }

    private let coordinator: Coordinator
    private let settings: Settings
    private let token: AccessToken?
    private let logger: Logger

    /// A server for `coordinator`; it may go without a token on loopback only.
    package init(
        _ coordinator: Coordinator, settings: Settings = Settings(), token: AccessToken?, logger: Logger
    ) throws(TransportError) {
        guard token != nil || settings.host.hasPrefix("127.") else {
            throw TransportError(.token, settings.host, "want a token file to listen on more than loopback")
        }
        self.coordinator = coordinator
        self.settings = settings
        self.token = token
        self.logger = logger
    }

    /// Listens while `body` runs, which is given the server's URL, such as `http://127.0.0.1:40123`; also while a
    /// cancelled `body` comes to its end.
    package func serve<Value: Sendable>(
        _ body: @escaping @Sendable (_ url: String) async throws -> Value
    ) async throws -> Value {
        let server = HTTPServer(
            config: HTTPServer.Configuration(
                address: try address(), timeout: settings.timeout / .seconds(1),
                // Bodies of up to this size are read in whole before the next request, whoever asked for them.
                sharedRequestReplaySize: settings.bodyLimit, logger: .disabled),
            handler: Handler(respond: respond))
        // No child: when `body` is cancelled it still has workers to hear out, so the server ends after it.
        let serving = Task { try await server.run() }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                do {
                    try await serving.value
                } catch  where !serving.isCancelled {
                    throw TransportError(.listen, "\(settings.host):\(settings.port)", "\(error)")
                }
                return nil
            }
            group.addTask {
                try await server.waitUntilListening(timeout: 60)
                return try await body("http://\(settings.host):\(await port(of: server))")
            }
            defer {
                serving.cancel()
                group.cancelAll()
            }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    private func address() throws(TransportError) -> sockaddr_in {
        do {
            return try .inet(ip4: settings.host, port: settings.port)
        } catch {
            throw TransportError(.listen, settings.host, "no IPv4 address")
        }
    }

    private func port(of server: HTTPServer) async -> UInt16 {
        switch await server.listeningAddress {
        case .ip4(_, let port), .ip6(_, let port): port
        default: settings.port
        }
    }

    /// The answer to any request; it never throws, so that what went wrong is always told.
    private func respond(to request: HTTPRequest) async -> HTTPResponse {
        do {
            if request.path == "/healthz" { return try json(.ok, ["status": "ok"]) }
            if let token, !token.admits(request.headers[.authorization]) {
                return try json(.unauthorized, ErrorAnswer(code: "unauthorized", message: "want the token"))
            }
            return try await answer(request)
        } catch let error as CoordinationError {
            logger.debug("message refused", metadata: ["code": "\(error.code.rawValue)"])
            return refusal(status(for: error), error.code.rawValue, error.description)
        } catch let error as DecodingError {
            return refusal(.badRequest, "malformed", describe(error))
        } catch is BodyTooLarge {
            return refusal(.payloadTooLarge, "too_large", "a body has at most \(settings.bodyLimit) bytes")
        } catch {
            return refusal(.internalServerError, "internal", "\(error)")
        }
    }

    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        switch (request.method, request.path) {
        case (.POST, apiPath + "/leases"):
            let message: AcquireMessage = try await read(request)
            let answer = try await coordinator.acquire(worker: message.worker, request: message.request)
            return try json(.ok, AcquireAnswer(answer))
        case (.POST, apiPath + "/renew"):
            let message: LeaseMessage = try await read(request)
            return try json(.ok, StandingAnswer(standing: await coordinator.renew(message.lease)))
        case (.POST, apiPath + "/publish"):
            let message: PublishMessage = try await read(request)
            let standing = try await coordinator.publish(message.lease, message.result)
            return try json(.ok, StandingAnswer(standing: standing))
        case (.POST, apiPath + "/fail"):
            let message: FailMessage = try await read(request)
            let standing = try await coordinator.fail(message.lease, message: message.message)
            return try json(.ok, StandingAnswer(standing: standing))
        case (.POST, apiPath + "/release"):
            let message: LeaseMessage = try await read(request)
            return try json(.ok, StandingAnswer(standing: try await coordinator.release(message.lease)))
        case (.POST, apiPath + "/heartbeat"):
            let report: WorkerReport = try await read(request)
            return try json(.ok, HeartbeatAnswer(lost: try await coordinator.heartbeat(report)))
        case (.GET, apiPath + "/status"):
            return try json(.ok, try await coordinator.status())
        case (.GET, apiPath + "/manifest"):
            let build = try await coordinator.build()
            return try json(
                .ok,
                ManifestAnswer(
                    manifest: build.manifest, manifestDigest: build.manifestDigest, identity: build.identity,
                    softwareVersion: build.softwareVersion))
        default:
            return refusal(.notFound, "not_found", "no such message")
        }
    }

    private struct BodyTooLarge: Error {}

    /// The message in the body of `request`, which is bounded whatever its header says.
    ///
    /// Of a body that is too long some more is read and dropped: who still sends does not hear the answer.
    private func read<Message: Decodable>(_ request: HTTPRequest) async throws -> Message {
        let drainLimit = 16 * settings.bodyLimit
        if let count = request.bodySequence.count, count > drainLimit { throw BodyTooLarge() }
        var body = Data()
        var byteCount = 0
        for try await chunk in request.bodySequence {
            byteCount += chunk.count
            if byteCount <= settings.bodyLimit { body.append(chunk) }
            if byteCount > drainLimit { break }
        }
        guard byteCount <= settings.bodyLimit else { throw BodyTooLarge() }
        return try decodeJSON(Message.self, from: body)
    }

    private func json(_ status: HTTPStatusCode, _ value: some Encodable) throws -> HTTPResponse {
        HTTPResponse(
            statusCode: status,
            headers: [.contentType: "application/json", HTTPHeader("Cache-Control"): "no-store"],
            body: try encodeJSON(value))
    }

    private func refusal(_ status: HTTPStatusCode, _ code: String, _ message: String) -> HTTPResponse {
        let answer = ErrorAnswer(code: code, message: String(message.prefix(1000)))
        do {
            return try json(status, answer)
        } catch {
            return HTTPResponse(statusCode: status)
        }
    }

    /// 503 invites to try again, 507 when there is room, 422 does not.
    private func status(for error: CoordinationError) -> HTTPStatusCode {
        if isDiskFull(error) { return HTTPStatusCode(507, phrase: "Insufficient Storage") }
        return switch error.code {
        case .busy, .store, .locked: .serviceUnavailable
        case .newerSchema, .manifestChanged, .planning, .badResult, .publish, .conflict: .unprocessableContent
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

/// Gives every request to one function.
private struct Handler: HTTPHandler {
    let respond: @Sendable (HTTPRequest) async -> HTTPResponse
    func handleRequest(_ request: HTTPRequest) async -> HTTPResponse { await respond(request) }
}
