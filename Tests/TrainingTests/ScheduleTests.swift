import Foundation
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

    @Test("begins at its peak where there is no warm-up, and a single step has it")
    func withoutWarmUp() {
        let schedule = Schedule(peak: 1, floor: 0.2, warmUpSteps: 0, steps: 9)
        #expect(schedule.rate(at: 1) == 1)
        #expect(abs(schedule.rate(at: 5) - 0.6) < 1e-12)
        #expect(abs(schedule.rate(at: 9) - 0.2) < 1e-12)
        #expect(Schedule(peak: 1, floor: 0, warmUpSteps: 0, steps: 1).rate(at: 1) == 1)
        #expect(Schedule(peak: 1, floor: 0, warmUpSteps: 1, steps: 1).rate(at: 1) == 1)
    }

    @Test("falls between epochs as LAVIS's does, whose warm-up an epoch may cut off")
    func byEpochs() {
        let schedule = Schedule(
            peak: 1e-4, floor: 1e-5, warmUpSteps: 5, steps: 12, course: .byEpochs(stepsPerEpoch: 4, start: 1e-6))
        // LAVIS's scheduler, called as its runner does, with max_epoch 3, warmup_steps 5 and four steps an epoch.
        let expected =
            [1e-6, 2.08e-5, 4.06e-5, 6.04e-5] + [7.75e-5, 3.25e-5].flatMap { Array(repeating: $0, count: 4) }
        for (step, rate) in zip(1..., expected) { #expect(abs(schedule.rate(at: step) - rate) < 1e-12, "\(step)") }
    }

    @Test(
        "is read from its file as it was written",
        arguments: [Schedule.Course.bySteps, .byEpochs(stepsPerEpoch: 4, start: 1e-6)])
    func coding(course: Schedule.Course) throws {
        let schedule = Schedule(peak: 0.1, floor: 1e-5, warmUpSteps: 5, steps: 12, course: course)
        #expect(try JSONDecoder().decode(Schedule.self, from: JSONEncoder().encode(schedule)) == schedule)
    }
}
