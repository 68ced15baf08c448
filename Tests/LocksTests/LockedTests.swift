import Dispatch
import Locks
import Testing

/// An actor on a queue of its own, so that who waits for it goes on on another thread.
private actor Elsewhere {
    private final class Executor: SerialExecutor {
        private let queue = DispatchQueue(label: "elsewhere")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
        }
    }

    private let executor = Executor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func run<Value: Sendable>(_ body: @Sendable () throws -> Value) throws -> Value { try body() }
}

private final class Count: Sendable {
    private let state = Locked(0)

    var value: Int { state.withLock { $0 } }

    func next() -> Int {
        state.withLock { count in
            count += 1
            return count
        }
    }
}

@Suite("A locked value") struct LockedTests {
    /// With `Mutex` in place of `Locked` an optimized build ends here.
    @Test("serves a function that goes on on another thread in the middle")
    func otherThread() async throws {
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1000 {
                group.addTask {
                    let (count, elsewhere) = (Count(), Elsewhere())
                    let first = try await elsewhere.run { count.next() }
                    return first + count.value
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 2000)
    }

    @Test("is seen by one thread at a time")
    func exclusive() async {
        let count = Count()
        await withDiscardingTaskGroup { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<10_000 { _ = count.next() } } }
        }
        #expect(count.value == 80_000)
    }
}
