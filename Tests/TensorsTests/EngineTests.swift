import Foundation
import Locks
import Tensors
import Testing

@Suite("Engines")
struct EngineTests {
    /// The number of the calling thread, by the system.
    private static func thread() -> UInt { UInt(pthread_self()) }

    @Test("an engine stays on one thread, whoever calls it and however often")
    func oneThread() async throws {
        let engines = [TorchEngine(), TorchEngine()]
        var threads: [Set<UInt>] = []
        for engine in engines {
            threads.append(
                try await withThrowingTaskGroup(of: UInt.self) { group in
                    for _ in 0..<50 { group.addTask { try await engine.run { Self.thread() } } }
                    var seen: Set<UInt> = []
                    for try await thread in group { seen.insert(thread) }
                    return seen
                })
        }
        #expect(threads.map(\.count) == [1, 1])
        #expect(threads[0] != threads[1])
    }

    @Test("a thread outlives its engine and serves the next one")
    func reuse() async throws {
        var threads: Set<UInt> = []
        for _ in 0..<200 { threads.insert(try await TorchEngine().run { Self.thread() }) }
        #expect(threads.count < 20, "\(threads.count) threads for one engine at a time")
    }

    @Test("without memory a call is made once more, and then asks for a smaller batch")
    func memory() async throws {
        let engine = TorchEngine()
        func calls(failing count: Int) async -> (Int, Result<Int, any Error>) {
            let calls = Locked(0)
            do {
                let value = try await engine.run {
                    let call = calls.withLock {
                        $0 += 1
                        return $0
                    }
                    if call <= count { throw TorchError(.outOfMemory, operation: "linear", message: "no memory") }
                    return call
                }
                return (calls.withLock { $0 }, .success(value))
            } catch {
                return (calls.withLock { $0 }, .failure(error))
            }
        }
        #expect(try await calls(failing: 1).1.get() == 2)
        let (count, result) = await calls(failing: 9)
        #expect(count == 2)
        let error = #expect(throws: TorchError.self) { try result.get() }
        #expect(error?.kind == .outOfMemory && error?.message.contains("smaller batch") == true)
    }

    @Test("other failures are not tried again, and lose no device that still answers")
    func otherFailures() async throws {
        let engine = TorchEngine()
        let calls = Locked(0)
        let error = await #expect(throws: TorchError.self) {
            try await engine.run {
                calls.withLock { $0 += 1 }
                throw TorchError(operation: "linear", message: "shapes do not fit")
            }
        }
        #expect(error?.kind == .other && calls.withLock { $0 } == 1)
        #expect(try await engine.run { 5 } == 5)
    }
}
