import Dispatch
import Locks
import Samples
import Testing

@testable import Coordination

@Suite struct CommitQueueTests {
    /// What became of `count` decisions, all of which waited while the store was busy, and how many transactions that took.
    ///
    /// `fault` is what the store says to a decision.
    private func results(
        of count: Int, fault: (Int) -> CoordinationError?
    ) async throws -> (results: [CoordinationError?], transactions: Int) {
        let store = FaultyStore(MemoryJobStore())
        let queue = CommitQueue(store, LeasePolicy())
        let (entered, leave) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
        async let first: Void = queue.commit { _ in
            entered.continuation.finish()
            leave.wait()
        }
        for await _ in entered.stream {}
        let before = store.transactionCount
        let results = await withTaskGroup(of: (Int, CoordinationError?).self) { group in
            for index in 0..<count {
                let fault = fault(index)
                group.addTask { (index, await Self.result(of: index, fault, queue)) }
            }
            while queue.waitingCount < count { await Task.yield() }
            leave.signal()
            var results = [CoordinationError?](repeating: nil, count: count)
            for await (index, error) in group { results[index] = error }
            return results
        }
        try await first
        return (results, store.transactionCount - before)
    }

    private static func result(of index: Int, _ fault: CoordinationError?, _ queue: CommitQueue) async
        -> CoordinationError?
    {
        do {
            let decided = try await queue.commit { _ throws(CoordinationError) in
                if let fault { throw fault }
                return index
            }
            #expect(decided == index)
            return nil
        } catch {
            return error
        }
    }

    @Test("what waits while the store is busy shares a commit")
    func shared() async throws {
        let (results, transactions) = try await results(of: 200) { _ in nil }
        #expect(results == Array(repeating: nil, count: 200) && transactions == 1)
    }

    @Test("what one of them cannot have is not for the others to bear")
    func refused() async throws {
        let refusal = CoordinationError(.store, "name", "a zero byte")
        let (results, transactions) = try await results(of: 5) { $0 == 3 ? refusal : nil }
        #expect(results == [nil, nil, nil, refusal, nil] && transactions == 6)
    }

    @Test(
        "where the store is away, or another coordinator's, nobody tries alone",
        arguments: [
            CoordinationError(.store, "store", "away", isOutage: true), CoordinationError(.deposed, "build", "taken"),
        ])
    func away(fault: CoordinationError) async throws {
        let (results, transactions) = try await results(of: 5) { _ in fault }
        #expect(results == Array(repeating: fault, count: 5) && transactions == 1)
    }
}
