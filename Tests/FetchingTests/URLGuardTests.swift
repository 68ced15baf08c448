import Samples
import Testing

@testable import Fetching

@Suite("a guard of URLs")
struct URLGuardTests {
    private let strict = URLGuard(FetchPolicy(userAgent: "test"))

    private func reading(_ url: String) -> Result<String, FetchFailure> {
        Result { () throws(FetchFailure) in try strict.address(of: url).description }
    }

    private func reason(_ url: String) -> Rejection.Reason? {
        guard case .failure(let failure) = reading(url) else { return nil }
        return failure.rejection.reason
    }

    @Test(
        "brings URLs into one form",
        arguments: [
            ("http://example.com", "http://example.com/"), ("HTTP://EXAMPLE.com:80/A", "http://example.com/A"),
            ("https://example.com.:443/", "https://example.com/"), ("https://a:80/?q#f", "https://a:80/?q"),
            ("http://exa%6dple.com/", "http://example.com/"), ("http://8%2E8.2056/", "http://8.8.8.8/"),
            ("http://a?q", "http://a/?q"), ("  http://a/ \r\n", "http://a/"), ("http://a/b c", "http://a/b%20c"),
            ("http://a/ü|^\\", "http://a/%C3%BC|%5E/"), ("http://bücher.example/", "http://bücher.example/"),
            ("http://a/%0d%0aX:%201", "http://a/%0d%0aX:%201"), ("http://a/x&amp;y", "http://a/x&amp;y"),
            ("http://example.com#@127.0.0.1/", "http://example.com/"), ("http://134744072/", "http://8.8.8.8/"),
            ("http://example.com:/", "http://example.com/"),
            ("http://[2606:4700:0::1111]/", "http://[2606:4700::1111]/"),
            ("http://a\tb/c\td?e\tf", "http://ab/cd?ef"), ("\u{1}http://a/\u{0}", "http://a/"),
            ("ht\ttp:\\\\a.example\\b?c\\d", "http://a.example/b?c%5Cd"), ("http://a\\@b/", "http://a/@b/"),
            ("http:///a/b", "http://a/b"), ("http:////\\a", "http://a/"),
            ("https:/example.com/x", "https://example.com/x"), ("http://a/x#\\y", "http://a/x"),
        ])
    func form(url: String, plain: String) {
        #expect(reading(url) == .success(plain))
    }

    @Test(
        "refuses rows that hold no URL",
        arguments: [
            "", "example.com/a.jpg", "//example.com/a", "http://", "http:///", "http:\\\\", "http://?a", "http://:80/",
            "http://a:0/", "http:example.com/a", "http:127.0.0.1/", "http://a/b\r\nHost: evil", "http://127.0\n.0.1/",
            "http://a:99999/", "http://a:8o/", "http://a b/", "http://exa%6/", "http://exa%2fmple.com/",
            "http://a%40b/", "http://%ff/", "http://a\u{0}b/", "http://a/\u{b}b", "http://.a/", "http://a..b/",
            "http://1.2.3.256/", "http://1.2.3.4.5/",
            "http://09/", "http://[::1/", "http://[1.2.3.4]/", "http://[fe80::1%25eth0]/", "http://[::1]x/",
            "http://" + String(repeating: "a", count: 64) + "/", "http://a/" + String(repeating: "b", count: 8192),
            "http://" + String(repeating: "a.", count: 127) + "com/",
        ])
    func malformed(url: String) {
        #expect(reason(url) == .badRow)
    }

    @Test(
        "refuses URLs that must not be fetched",
        arguments: [
            "file:///etc/passwd", "FILE:///etc/passwd", "ftp://example.com/", "data:image/png;base64,iVBORw0KGgo=",
            "javascript:alert(1)", "gopher://example.com/", "http://user:password@example.com/", "http://a@b@c/",
            "http://example.com:22/", "http://example.com:6379/", "http://127.0.0.1/", "http://127.1/",
            "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://0x7f.1/", "http://0/",
            "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[0:0:0:0:0:ffff:7f00:0001]/",
            "http://[fd00:ec2::254]/", "http://10.0.0.1./", "http:\\\\127.0.0.1\\@example.com/", "http:///127.0.0.1/",
            "http://127.0\t.0.1/", "http://127.0.0.1\\.example.com/", "http://a@b\\c/",
        ])
    func forbidden(url: String) {
        #expect(reason(url) == .blockedAddress)
    }

    @Test(
        "resolves the targets of redirects",
        arguments: [
            ("http://b/c", "http://b/c"), ("//b/c", "https://b/c"), ("/c?d", "https://a.example/c?d"),
            ("c", "https://a.example/x/c"), ("?z", "https://a.example/x/y?z"), ("#z", "https://a.example/x/y?q"),
            ("../c d/漢", "https://a.example/x/../c%20d/%E6%BC%A2"), ("c:d", nil),
            ("c/d:e", "https://a.example/x/c/d:e"), ("\\\\b\\c", "https://b/c"), ("/\\b/c", "https://b/c"),
            ("\\c", "https://a.example/c"), ("https:c", "https://a.example/x/c"), ("HTTPS:/c", "https://a.example/c"),
            ("https:///b", "https://b/"), ("http:b/c", nil), ("http:/b/c", "http://b/c"), ("///b", "https://b/"),
            ("/\t/b/c", "https://b/c"), ("c?d\\e", "https://a.example/x/c?d%5Ce"),
        ])
    func redirects(location: String, target: String?) throws {
        let base = try strict.address(of: "https://a.example/x/y?q")
        #expect((try? strict.redirect(of: base, to: location))?.description == target)
    }

    @Test("lets an endpoint through that the policy names, at its port only")
    func endpoints() throws {
        var policy = FetchPolicy(userAgent: "test")
        policy.allowedEndpoints = ["127.0.0.1:6379", "[::1]:81"]
        let urlGuard = URLGuard(policy)
        let loopback = try #require(NetworkAddress("127.0.0.1"))
        #expect(urlGuard.judge(loopback, port: 6379) == .allowed)
        #expect(urlGuard.judge(loopback, port: 81) == .blocked("loopback address"))
        #expect(urlGuard.judge(try #require(NetworkAddress("::1")), port: 81) == .allowed)
        #expect(throws: FetchFailure.self) { try urlGuard.address(of: "http://127.0.0.1:6380/") }
    }

    @Test("keeps metadata services, multicast and reserved addresses out even where private ones are allowed")
    func privateAllowed() throws {
        var policy = FetchPolicy(userAgent: "test")
        policy.allowPrivateAddresses = true
        let urlGuard = URLGuard(policy)
        for text in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.1.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"] {
            #expect(urlGuard.judge(try #require(NetworkAddress(text)), port: 80) == .allowed, "\(text)")
        }
        for text in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "224.0.0.1", "0.0.0.0", "::"] {
            #expect(urlGuard.judge(try #require(NetworkAddress(text)), port: 80) != .allowed, "\(text)")
        }
    }
}
