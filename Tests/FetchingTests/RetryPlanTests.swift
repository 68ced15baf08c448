import Testing

@testable import Fetching

@Suite("the plan of a fetch's tries")
struct RetryPlanTests {
    private func plan(retries: Int = 2, patience: Duration, seed: UInt64 = 7) -> RetryPlan {
        var policy = FetchPolicy(userAgent: "test")
        (policy.retries, policy.patience) = (retries, patience)
        return RetryPlan(policy, seed: seed, url: "http://a/x.jpg")
    }

    /// The pauses of a fetch that fails at once, each time, in a network that works.
    private func pauses(_ plan: RetryPlan) -> [Duration] {
        var plan = plan
        var now = Duration.seconds(100)
        var pauses: [Duration] = []
        while let pause = plan.pause(networkTime: now, seen: nil, at: .now) {
            pauses.append(pause)
            now += pause
        }
        return pauses
    }

    @Test("has a few tries shortly after the first, and no others without patience")
    func shortly() {
        let pauses = pauses(plan(patience: .zero))
        #expect(pauses.count == 2)
        #expect(pauses[0] >= .milliseconds(250) && pauses[0] <= .milliseconds(500))
        #expect(pauses[1] >= .milliseconds(500) && pauses[1] <= .seconds(1))
    }

    @Test("then spreads tries over the patience, and fails no earlier", arguments: [UInt64(1), 2, 3])
    func spread(seed: UInt64) {
        let pauses = pauses(plan(patience: .seconds(180), seed: seed))
        #expect(pauses.count >= 8 && pauses.count <= 16, "\(pauses)")
        #expect(pauses.reduce(.zero, +) >= .seconds(180))
        #expect(pauses.reduce(.zero, +) < .seconds(200))
    }

    @Test("is the same for the same URL and seed, and another for others")
    func chance() {
        #expect(pauses(plan(patience: .seconds(9))) == pauses(plan(patience: .seconds(9))))
        #expect(pauses(plan(patience: .seconds(9))) != pauses(plan(patience: .seconds(9), seed: 8)))
    }

    @Test("does not end while nobody can say whether the network works, and pauses no longer than a while")
    func doubt() throws {
        var plan = plan(retries: 0, patience: .zero)
        let start = ContinuousClock.now
        for _ in 0..<100 {
            let pause = plan.pause(networkTime: .zero, seen: start, at: start)
            #expect(try #require(pause) <= .seconds(15))
        }
        let last = plan.pause(networkTime: .zero, seen: start + .seconds(1), at: start)
        #expect(last == nil)
    }

    @Test("counts its patience by the time for which the network worked")
    func networkTime() {
        var plan = plan(retries: 0, patience: .seconds(10))
        for _ in 0..<50 {
            let pause = plan.pause(networkTime: .seconds(3), seen: nil, at: .now)
            #expect(pause != nil)
        }
        let last = plan.pause(networkTime: .seconds(13), seen: nil, at: .now)
        #expect(last == nil)
    }
}
