import Samples
import Testing

@testable import Fetching

@Suite("Fetching through a proxy", .timeLimit(.minutes(1))) struct ProxyTests {
    private static let script = SupportScript("proxy.py")

    @Test("leaves names to it, and judges what can be judged: addresses that stand in URLs")
    func proxy() async throws {
        var policy = FetchPolicy(userAgent: "test")
        (policy.retries, policy.backOff) = (0, .milliseconds(1))
        let fetcher = CurlFetcher(policy: policy, connections: 4, proxy: "http://127.0.0.1:\(Self.script.words[0])")
        let body = try await fetcher.fetch("http://images.invalid/a.jpg").get()
        #expect(String(decoding: body.bytes.dropFirst(3), as: UTF8.self) == "http://images.invalid/a.jpg")
        for (url, reason) in [
            ("http://127.0.0.1/a.jpg", Rejection.Reason.blockedAddress), ("http://10.0.0.1/a.jpg", .blockedAddress),
            ("https://images.invalid/a.jpg", .downloadError),  // it refuses tunnels
        ] {
            guard case .failure(let failure) = await fetcher.fetch(url) else {
                Issue.record("\(url) was fetched")
                continue
            }
            #expect(failure.rejection.reason == reason, "\(url) \(failure)")
        }
    }
}
