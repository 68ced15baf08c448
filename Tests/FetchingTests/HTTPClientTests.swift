import Samples
import Testing

@testable import Fetching

@Suite("a client of a service")
struct HTTPClientTests {
    let server = WebServer.shared
    let client = HTTPClient(userAgent: "test")

    @Test("sends method, headers and body, and gives back all of the answer", arguments: ["POST", "PUT", "DELETE"])
    func roundTrip(method: String) async throws {
        let text = Array(#"{"unit": 7}"#.utf8)
        let answer = try await client.request(
            method, server.url("echo"), headers: [("X-Token", "secret"), ("Content-Type", "application/json")],
            body: text)
        #expect(answer.status == 200)
        #expect(answer.body == text)
        #expect(answer.headers.contains { $0.name == "x-method" && $0.value == method })
        #expect(answer.headers.contains { $0.name == "x-token" && $0.value == "secret" })
    }

    @Test("sends an empty body with its length, and none of the request before")
    func emptyBody() async throws {
        _ = try await client.request("POST", server.url("echo"), body: [1, 2, 3])
        #expect(try await client.request("POST", server.url("echo")).body.isEmpty)
        #expect(try await client.request("POST", server.url("header?content-length")).body == Array("0".utf8))
        #expect(try await client.request("GET", server.url("header?content-length")).body.isEmpty)
    }

    @Test("sends long bodies without asking first")
    func longBody() async throws {
        let long = [UInt8](repeating: 7, count: 2_000_000)
        #expect(try await client.request("POST", server.url("echo"), body: long).body == long)
        #expect(try await client.request("POST", server.url("header?expect"), body: long).body.isEmpty)
    }

    @Test("gives errors and redirects as they are")
    func statuses() async throws {
        #expect(try await client.request("GET", server.url("status?503")).status == 503)
        let redirect = try await client.request("GET", server.url("to?/ok"))
        #expect(redirect.status == 302)
        #expect(redirect.headers.contains { $0.name == "location" && $0.value == "/ok" })
    }

    @Test("bounds time and length")
    func bounds() async throws {
        let slow = await #expect(throws: FetchFailure.self) {
            try await client.request("GET", server.url("hang?client"), timeout: .milliseconds(50))
        }
        #expect(slow?.rejection.reason == .timeout)
        let long = await #expect(throws: FetchFailure.self) {
            try await client.request("GET", server.url("endless"), maxBytes: 100_000)
        }
        #expect(long?.rejection.reason == .tooLarge)
    }

    @Test("refuses a header that would end its line")
    func injection() async throws {
        let failure = await #expect(throws: FetchFailure.self) {
            try await client.request("GET", server.url("ok"), headers: [("X", "a\r\nHost: evil")])
        }
        #expect(failure?.rejection.reason == .badRow)
    }
}
