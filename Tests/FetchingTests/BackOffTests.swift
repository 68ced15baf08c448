import Testing

@testable import Fetching

@Suite("the pauses between tries")
struct BackOffTests {
    private let backOff = BackOff(FetchPolicy(userAgent: "test"), seed: 7)

    @Test("double from retry to retry, by chance shorter by up to a half, and end")
    func schedule() throws {
        for number in 1...2 {
            let longest = Duration.milliseconds(250 << number)
            for name in 0..<100 {
                let pause = try #require(backOff.pause(before: number, of: "http://\(name)/"))
                #expect(pause >= longest / 2 && pause <= longest)
            }
        }
        #expect(backOff.pause(before: 3, of: "http://a/") == nil)
    }

    @Test("differ from URL to URL, and are the same in every run")
    func jitter() {
        let pauses = (0..<100).map { backOff.pause(before: 1, of: "http://\($0)/") }
        #expect(Set(pauses).count == 100)
        let again = BackOff(FetchPolicy(userAgent: "test"), seed: 7)
        #expect(pauses == (0..<100).map { again.pause(before: 1, of: "http://\($0)/") })
    }

    @Test("are at least what a server asks for, within a bound")
    func retryAfter() throws {
        #expect(try #require(backOff.pause(before: 1, of: "u", retryAfter: .seconds(10))) >= .seconds(10))
        #expect(backOff.pause(before: 1, of: "u", retryAfter: .seconds(11)) == nil)
    }
}
