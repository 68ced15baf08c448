import Coordination
import Files
import Foundation
import Locks
import Logging
import Samples
import Serving
import TestSupport
import Testing

@testable import Transport

/// A coordinator of a build of `units` units, served on loopback while a test talks to it.
struct Service: Sendable {
    let url: String
    let token: AccessToken
    /// The token of those who may only look.
    let readToken: AccessToken
    let coordinator: Coordinator
    let store: SQLJobStore

    static func run(
        units: Int = 2, bodyLimit: Int = 10_000, waitingLimit: Int = 512, logger: Logger = silent,
        _ body: @escaping @Sendable (Service) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "transport-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
        let store = try SQLJobStore(path: "\(folder)/build.sqlite", idPath: "\(folder)/build-id")
        let source = SourcePlan(name: "a") { emit in
            for index in 0..<units { try emit(index * 10, 10, InputPosition(file: 0, offset: index)) }
        }
        let build = BuildRecord(
            manifestDigest: someDigest, manifest: "seed: 42\nname: \"ünï/code\"\n", settings: [:],
            softwareVersion: "1.2.3", created: Date(timeIntervalSince1970: 1_700_000_000))
        _ = try Planner(store: store).plan(build, sources: [source])
        let coordinator = try Coordinator(
            store: store, logger: logger, discardFiles: { _, _ in }, publishFiles: { _, _ in })
        let (token, readToken) = (AccessToken(), AccessToken())
        var settings = CoordinatorServer.Settings()
        (settings.bodyLimit, settings.waitingLimit) = (bodyLimit, waitingLimit)
        settings.limits.headerTime = .milliseconds(500)
        let server = try CoordinatorServer(
            coordinator, settings: settings, credentials: Credentials(workers: token, readers: readToken),
            logger: logger)
        try await server.serve { url in
            try await body(
                Service(url: url, token: token, readToken: readToken, coordinator: coordinator, store: store))
        }
    }

    /// A client of the service; `send` may be one that fails.
    func client(_ worker: String = "w", token: AccessToken? = nil, send: @escaping SendRequest = sendOverLoopback)
        -> CoordinatorClient
    {
        CoordinatorClient(url: url, worker: worker, token: token ?? self.token, policy: hastyPolicy, send: send)
    }

    /// One request without a client, as anyone may send it.
    func request(
        _ method: String, _ path: String, token: String? = nil, body: String = ""
    ) async throws -> (status: Int, body: String) {
        let headers = token.map { ["Authorization": $0] } ?? [:]
        let request = ClientRequest(
            method: method, url: url + path, headers: headers, body: Data(body.utf8), timeout: .seconds(10))
        let response = try await sendOverLoopback(request)
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    /// Sends `text` as it is; the first `limit` bytes of the answer, fewer when the server closes the connection.
    func raw(_ text: String, limit: Int = 12) async throws -> String {
        String(decoding: try await exchange(text, port: try port(of: url), limit: limit), as: UTF8.self)
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

let someDigest = ContentDigest(bytes: [UInt8](repeating: 7, count: 32))

let someResult = UnitResult(
    samples: 7, byteCount: 1000, digest: someDigest, tableByteCount: 100, tableDigest: someDigest,
    rejections: ["http_error": 3],
    made: .init(shard: ".state/scratch/a-000000.1.tar.zst", table: ".state/scratch/a-000000.1.parquet"))

var hastyPolicy: RetryPolicy {
    var policy = RetryPolicy()
    policy.firstPause = .milliseconds(1)
    policy.longestPause = .milliseconds(5)
    return policy
}

private func port(of url: String) throws -> UInt16 {
    try #require(UInt16(url.split(separator: ":").last ?? ""))
}

/// Sends `text` on a connection of its own; what comes back until the server closes it, or `limit` bytes came.
private func exchange(_ text: String, port: UInt16, limit: Int) async throws -> [UInt8] {
    let connection = try RawConnection(port: port)
    return await blocking {
        connection.send(text)
        return connection.receive(limit)
    }
}

/// A client's `send` in its simplest form: one connection a message.
@Sendable func sendOverLoopback(_ request: ClientRequest) async throws -> ClientResponse {
    struct NoAnswer: Error {}
    let url = try #require(URLComponents(string: request.url))
    var lines = ["\(request.method) \(url.percentEncodedPath) HTTP/1.1", "Connection: close"]
    lines += request.headers.sorted { $0.key < $1.key }.map { "\($0): \($1)" }
    lines += ["Content-Length: \(request.body.count)", "", String(decoding: request.body, as: UTF8.self)]
    let port = UInt16(try #require(url.port))
    let answer = try await exchange(lines.joined(separator: "\r\n"), port: port, limit: .max)
    let parts = String(decoding: answer, as: UTF8.self).split(separator: "\r\n\r\n", maxSplits: 1)
    guard let status = parts.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
        throw NoAnswer()
    }
    return ClientResponse(status: status, body: Data((parts.count > 1 ? parts[1] : "").utf8))
}

extension LeaseAnswer {
    /// What was granted; nil where nothing was.
    var grants: [LeaseGrant]? { if case .granted(let grants) = self { grants } else { nil } }
    /// The first of them.
    var grant: LeaseGrant? { grants?.first }
}
