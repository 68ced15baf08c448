import Coordination
import Samples
import Testing

@Suite struct PlannerTests {
    @Test("a plan that was killed is made anew, and nothing in it is doubled")
    func killedWhilePlanning() throws {
        struct Killed: Error {}
        for units in 0...9 {
            let store = MemoryJobStore()
            let torn = SourcePlan(name: "b") { emit in
                for index in 0..<units { try emit(index * 10, 10, InputPosition(file: 0, offset: index)) }
                throw Killed()
            }
            #expect(throws: Killed.self) {
                try Planner(store: store, batchCount: 2).plan(someBuild(), sources: [someSource("a", units: 3), torn])
            }
            #expect(!store.isPlanned())
            try store.plan(units: [4, 5])
            #expect(try store.status().sources.map(\.units) == [4, 5])
            #expect(store.openUnitCount() == 9)
        }
    }

    @Test("the same manifest goes on with its plan without reading the sources again")
    func resumes() throws {
        let store = MemoryJobStore()
        try store.plan(units: [2])
        let unread = SourcePlan(name: "a") { _ in Issue.record("read again") }
        #expect(try Planner(store: store).plan(someBuild(), sources: [unread]) == .resumed)
    }

    @Test("a changed manifest is refused, with what differs")
    func changedManifest() throws {
        let store = MemoryJobStore()
        let planner = Planner(store: store)
        let old = ["seed": "42", "caption.count": "10", "caption.prompt": "a picture of ", "rank.keep": "2"]
        #expect(try planner.plan(someBuild(old), sources: []) == .planned)
        let new = ["seed": "42", "caption.count": "5", "caption.prompt": "", "image.size": "384"]
        let error = #expect(throws: CoordinationError.self) { try planner.plan(someBuild(new), sources: []) }
        #expect(error?.code == .manifestChanged)
        #expect(
            error?.text == "caption.count: was 10, is 5; caption.prompt: was \"a picture of \", is \"\"; "
                + "image.size: was absent, is 384; rank.keep: was 2, is absent. Put them back, or build into another folder"
        )
    }

    @Test("ranges that leave rows out or take them twice are a fault")
    func gaps() {
        for second in [(9, 10), (11, 10), (10, 0)] {
            let source = SourcePlan(name: "a") { emit in
                try emit(0, 10, InputPosition(file: 0, offset: 0))
                try emit(second.0, second.1, InputPosition(file: 0, offset: 0))
            }
            let error = #expect(throws: CoordinationError.self) {
                try Planner(store: MemoryJobStore()).plan(someBuild(), sources: [source])
            }
            #expect(error?.code == .planning)
        }
    }

    @Test("a cancelled planner stops between two batches and leaves no whole plan")
    func cancelled() async throws {
        let store = MemoryJobStore()
        let endless = SourcePlan(name: "a") { emit in
            for index in 0..<Int.max { try emit(index, 1, InputPosition(file: 0, offset: 0)) }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                #expect(throws: CancellationError.self) {
                    try Planner(store: store).plan(someBuild(), sources: [endless])
                }
            }
            group.cancelAll()
        }
        #expect(!store.isPlanned())
    }
}
