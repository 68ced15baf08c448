import Coordination
import Foundation
import Locks
import Logging
import TestSupport
import Testing

@testable import Transport

@Suite("Tokens", .timeLimit(.minutes(1))) struct CredentialTests {
    @Test("who has the readers' token may look and nothing else")
    func readers() async throws {
        try await Service.run { service in
            for (token, mayWork) in [(service.token, true), (service.readToken, false)] {
                for route in Route.allCases {
                    let answer = try await service.request(
                        route.method, route.path, token: "Bearer \(token.secret)", body: "{}")
                    let isAdmitted = mayWork || route.access != .work
                    #expect((answer.status == 401) == !isAdmitted, "\(route) \(mayWork)")
                    if route.access != .work { #expect(answer.status == 200) }
                }
            }
            for route in Route.allCases where route != .healthz {
                #expect(try await service.request(route.method, route.path).status == 401)
            }
        }
    }

    @Test("requests without a token are counted, and no log has what was shown for one")
    func leaks() async throws {
        let log = RecordedLog()
        var logger = Logger(label: "test") { _ in log }
        logger.logLevel = .trace
        let tried = Locked<[String]>([])
        try await Service.run(logger: logger) { service in
            let wrong = [AccessToken().secret, String(service.token.secret.dropLast()), "swordfish and more of it"]
            tried.withLock { $0 = wrong + [service.token.secret, service.readToken.secret] }
            for secret in wrong {
                for route in Route.allCases where route != .healthz {
                    let answer = try await service.request(route.method, route.path, token: "Bearer \(secret)")
                    #expect(answer.status == 401)
                    for secret in tried.withLock({ $0 }) { #expect(!answer.body.contains(secret)) }
                }
            }
            #expect(try await service.client().manifest().softwareVersion == "1.2.3")
            let metrics = try await service.request("GET", "/metrics", token: "Bearer \(service.readToken.secret)").body
            #expect(metrics.contains("\npipeline_http_unauthorized_total \(3 * (Route.allCases.count - 1))\n"))
            for secret in tried.withLock({ $0 }) { #expect(!metrics.contains(secret)) }
        }
        let lines = log.lines.withLock { $0 }
        #expect(lines.contains { $0.contains("unauthorized") })
        for secret in tried.withLock({ $0 }) { #expect(!lines.contains { $0.contains(secret) }) }
    }

    @Test("a worker reads address and token again when they do not serve any more")
    func movedCoordinator() async throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
        let (urlFile, tokenFile) = (folder + "/url", folder + "/token")
        @Sendable func write(_ service: Service, token: AccessToken) throws {
            try token.write(to: tokenFile)
            try Data("\(service.url)\n".utf8).write(to: URL(fileURLWithPath: urlFile))
        }
        try await Service.run { first in
            try write(first, token: first.token)
            let access = try CoordinatorAccess(url: nil, urlFile: urlFile, tokenFile: tokenFile)
            let policy = hastyPolicy
            let client = CoordinatorClient(access, worker: "w", policy: policy, send: sendOverLoopback)
            #expect(try await client.acquire().isGranted)
            try await Service.run { second in
                // The first still answers, and so does the second, with a token of its own; then only the second does.
                try write(second, token: second.token)
                _ = try await client.status()
                try Data("http://127.0.0.1:1".utf8).write(to: URL(fileURLWithPath: urlFile))
                let lost = CoordinatorClient(
                    try CoordinatorAccess(url: nil, urlFile: urlFile, tokenFile: tokenFile), worker: "w", policy: policy
                ) { request in
                    if request.url.contains(":1/") { try write(second, token: second.token) }
                    return try await sendOverLoopback(request)
                }
                #expect(try await lost.acquire().isGranted)
                #expect(try await second.coordinator.status().total.leasedUnits == 1)
                // A token that is replaced at both ends.
                try first.readToken.write(to: tokenFile)
                let patient = CoordinatorClient(
                    try CoordinatorAccess(url: nil, urlFile: urlFile, tokenFile: tokenFile), worker: "v", policy: policy
                ) { request in
                    let response = try await sendOverLoopback(request)
                    if response.status == 401 { try second.token.write(to: tokenFile) }
                    return response
                }
                #expect(try await patient.acquire().isGranted)
            }
        }
    }

    @Test("a token that stays wrong is given up after a while, one that cannot change at once")
    func wrongForGood() async throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
        try AccessToken().write(to: folder + "/token")
        let tries = Locked(0)
        let access = try CoordinatorAccess(url: "http://x", urlFile: nil, tokenFile: folder + "/token")
        let client = CoordinatorClient(access, worker: "w", clock: NotingClock(), chance: { 0 }) { _ in
            tries.withLock { $0 += 1 }
            return ClientResponse(status: 401, body: Data())
        }
        let error = await #expect(throws: TransportError.self) { try await client.acquire() }
        #expect(error?.code == .unauthorized && tries.withLock { $0 } == 8)  // within 30 s
        #expect(throws: TransportError.self) {
            try CoordinatorAccess(url: nil, urlFile: folder + "/none", tokenFile: nil)
        }
        try Data("not an address".utf8).write(to: URL(fileURLWithPath: folder + "/url"))
        #expect(throws: TransportError.self) {
            try CoordinatorAccess(url: nil, urlFile: folder + "/url", tokenFile: nil)
        }
    }
}

extension LeaseAnswer {
    fileprivate var isGranted: Bool { if case .granted = self { true } else { false } }
}

/// Keeps all that is logged.
private final class RecordedLog: LogHandler {
    let lines = Locked<[String]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") } }
}
