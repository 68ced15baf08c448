import Testing

@testable import Fetching

@Suite("the owner's wish")
struct OptOutTests {
    private func refusal(_ lines: [String], userAgent: String = "OurBot/1.0 (+https://example.com)") -> String? {
        var head = ResponseHead()
        for line in ["HTTP/1.1 200 OK"] + lines + [""] {
            Array((line + "\r\n").utf8).withUnsafeBytes { head.add($0) }
        }
        let now = 1_767_225_600  // 2026-01-01
        return OptOut(userAgent: userAgent).refusal(in: head, now: now)
    }

    @Test(
        "forbids training",
        arguments: [
            "noai", "noimageai", "noindex", "noimageindex", "none", "NoAI, NOFOLLOW", "nofollow, max-snippet: 20, noai",
            "ourbot: noai", "*: noindex", "otherbot: all, ourbot: nofollow, noai", "noai;noimageai", " noindex ",
            "unavailable_after: 25 Jun 2010 15:00:00 PST", "unavailable_after: Friday, 25 Jun 2010 15:00:00 GMT, all",
            "unavailable_after: 2010-06-25", "ourbot: unavailable_after: 25 Jun 2010 15:00:00 PST",
        ])
    func forbidding(value: String) {
        #expect(refusal(["X-Robots-Tag: \(value)"]) != nil)
        #expect(refusal(["X-Robots-Tag: nofollow", "x-robots-tag:\(value)"]) != nil, "in a second header")
    }

    @Test(
        "allows training",
        arguments: [
            "all", "", "otherbot: noai", "googlebot: noindex, noai", "nofollow", "no-ai", "max-snippet: noai",
            "ourbot2: noai", "unavailable_after: 25 Jun 2099 15:00:00 PST", "unavailable_after: soon", ":", ",;,",
        ])
    func allowing(value: String) {
        #expect(refusal(["X-Robots-Tag: \(value)"]) == nil)
    }

    @Test("is found by the name that the client gives itself")
    func agents() {
        let compatible = "Mozilla/5.0 (compatible; MyBot; +https://example.com)"
        #expect(refusal(["X-Robots-Tag: mybot: noai"], userAgent: compatible) != nil)
        #expect(refusal(["X-Robots-Tag: mozilla: noai"], userAgent: compatible) == nil)
    }

    @Test("is also told by the reservation protocol")
    func reservation() {
        #expect(refusal(["TDM-Reservation: 1"]) == "tdm-reservation: 1")
        #expect(refusal(["tdm-reservation: 0"]) == nil)
    }

    @Test("is no longer that of an interim answer when the final one has come")
    func interim() {
        #expect(refusal(["X-Robots-Tag: noai", "", "HTTP/1.1 200 OK", "X-Other: noai"]) != nil)
        #expect(refusal(["X-Robots-Tag: noai", "HTTP/1.1 200 OK"]) == nil)
    }
}
