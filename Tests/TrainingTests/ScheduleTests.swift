import Testing
import Training

@Suite("The learning rate")
struct ScheduleTests {
    @Test("rises in a straight line, then falls along half a cosine to its floor")
    func course() {
        let schedule = Schedule(peak: 1, floor: 0.2, warmUpSteps: 4, steps: 12)
        #expect(schedule.rate(at: 1) == 0.25)
        #expect(schedule.rate(at: 4) == 1)
        #expect(abs(schedule.rate(at: 8) - 0.6) < 1e-12)
        #expect(abs(schedule.rate(at: 12) - 0.2) < 1e-12)
        #expect((4..<12).allSatisfy { schedule.rate(at: $0) > schedule.rate(at: $0 + 1) })
    }

    @Test("begins at its peak where there is no warm-up")
    func withoutWarmUp() {
        let schedule = Schedule(peak: 1, floor: 0, warmUpSteps: 0, steps: 1)
        #expect(abs(schedule.rate(at: 1)) < 1e-12)
        #expect(Schedule(peak: 1, floor: 0, warmUpSteps: 0, steps: 100).rate(at: 1) > 0.99)
    }
}
