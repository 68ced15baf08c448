import Dispatch
import Foundation
import Glibc
import Locks

/// Runs work that blocks, on the disk most of the time, on a thread outside the shared pool.
///
/// The caller waits for its end, cancelled or not; the work does not see the cancellation.
package func blocking<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: Result(catching: body)) }
    }
    return try result.get()
}

/// As `blocking`, for work that has time: its thread gives way to all others of this machine.
package func unhurried<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        // A thread may not take its priority back, so it is one of its own.
        let thread = Thread {
            _ = setpriority(CInt(PRIO_PROCESS.rawValue), 0, 10)  // on Linux, of this thread alone
            continuation.resume(with: Result(catching: body))
        }
        thread.stackSize = 8 << 20
        thread.start()
    }
}

/// Runs work that blocks, as `blocking` does, but only so many pieces of it at once: the others wait, in order.
package struct BlockingQueue: Sendable {
    private let queue = OperationQueue()

    /// A queue with `width` pieces of work at once.
    package init(width: Int) { queue.maxConcurrentOperationCount = width }

    /// Runs `body` when it is its turn; the caller waits for its end, cancelled or not.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.addOperation { continuation.resume(with: Result(catching: body)) }
        }
    }
}

/// As `blocking`, but a cancelled caller does not wait: for work that may be cut short anywhere, as by a kill.
///
/// The work goes on until the process ends, which it should do soon.
package func abandonable<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    let waiting = Waiting<Value>()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            waiting.begin(continuation)
            DispatchQueue.global().async { waiting.end(Result { try body() }) }
        }
    } onCancel: {
        waiting.end(.failure(CancellationError()))
    }
}

/// Who waits for a result; the first one is taken.
private final class Waiting<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case notYet
        case waiting(CheckedContinuation<Value, any Error>)
        case ended
    }

    private let state = Locked(State.notYet)

    func begin(_ continuation: CheckedContinuation<Value, any Error>) {
        let isEnded = state.withLock { state in
            if case .ended = state { return true }
            state = .waiting(continuation)
            return false
        }
        if isEnded { continuation.resume(throwing: CancellationError()) }
    }

    func end(_ result: Result<Value, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            defer { state = .ended }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(with: result)
    }
}
