import CCurl
import Testing

@testable import Fetching

@Suite("A host's health") struct HostHealthTests {
    private let start = ContinuousClock().now

    private func answer(_ ending: ExchangeAnswer.Ending, hasHead: Bool = false) -> ExchangeAnswer {
        var head = ResponseHead()
        if hasHead { Array("HTTP/1.1 200 OK\r\n".utf8).withUnsafeBytes { head.add($0) } }
        return ExchangeAnswer(ending: ending, head: head, body: [], elapsed: .zero)
    }
    private let refused = ExchangeAnswer.Ending.failed(CURLE_COULDNT_CONNECT.rawValue, "refused")
    private let unknown = ExchangeAnswer.Ending.failed(CURLE_COULDNT_RESOLVE_HOST.rawValue, "no such name")

    @Test("puts a host aside when it failed often enough in a row, for longer each time")
    func patience() {
        var health = HostHealth()
        for _ in 1..<HostHealth.patience { health.note(answer(refused), of: "h", at: start) }
        #expect(!health.isAside("h", at: start))
        health.note(answer(.timedOut), of: "h", at: start)
        #expect(health.isAside("h", at: start + .seconds(59)) && !health.isAside("h", at: start + .seconds(60)))
        #expect(!health.isAside("other", at: start))
        health.note(answer(refused), of: "h", at: start + .seconds(60))
        #expect(health.isAside("h", at: start + .seconds(179)) && !health.isAside("h", at: start + .seconds(180)))
        var now = start
        for _ in 0..<20 {
            now = now + .seconds(4000)
            health.note(answer(refused), of: "h", at: now)
        }
        #expect(health.isAside("h", at: now + .seconds(3599)) && !health.isAside("h", at: now + .seconds(3600)))
    }

    @Test("remembers at once that a name does not exist")
    func names() {
        var health = HostHealth()
        health.note(answer(unknown), of: "h", at: start)
        #expect(health.isAside("h", at: start))
    }

    @Test("is restored by any answer, and not by what we did ourselves")
    func answers() {
        var health = HostHealth()
        health.note(answer(unknown), of: "h", at: start)
        health.note(answer(.cancelled), of: "h", at: start)
        #expect(health.isAside("h", at: start))
        health.note(answer(.timedOut, hasHead: true), of: "h", at: start)
        #expect(!health.isAside("h", at: start) && health.count == 0)
    }

    @Test("remembers a bounded number of hosts")
    func bounded() {
        var health = HostHealth()
        for number in 0...HostHealth.hostLimit { health.note(answer(refused), of: "\(number)", at: start) }
        #expect(health.count <= HostHealth.hostLimit)
    }
}
