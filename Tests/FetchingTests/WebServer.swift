@testable import Fetching

/// The misbehaving web server in `Tests/Support`, one for all tests of the process.
struct WebServer: Sendable {
    let port: Int
    /// A port to which no request may come.
    let forbiddenPort: Int

    static let shared = WebServer()

    private let script = SupportScript("web_server.py")

    private init() {
        let ports = script.words.compactMap { Int($0) }
        guard ports.count == 2 else { fatalError("the tests' web server printed \(script.words), not its ports") }
        (port, forbiddenPort) = (ports[0], ports[1])
    }

    func url(_ target: String) -> String { "http://127.0.0.1:\(port)/\(target)" }

    /// A policy under which this server is the only local one that may be reached.
    var policy: FetchPolicy {
        var policy = FetchPolicy(userAgent: "ourbot/1.0")
        policy.allowedEndpoints = ["127.0.0.1:\(port)"]
        policy.backOff = .milliseconds(1)
        return policy
    }

    /// The text that `target` answers, asked for outside the fetcher under test.
    func ask(_ target: String) async throws -> String {
        let client = HTTPClient(userAgent: "test")
        let answer = try await client.request("GET", url(target))
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// How often `target` was asked for.
    func count(_ target: String) async throws -> String { try await ask("count?/\(target)") }
}
