import Dispatch
import Locks

/// Decisions that wait for the store share a commit: while one is written, those that come meanwhile gather for the next.
///
/// So the rate of commits is the disk's, and the rate of decisions is not bound by it. The store blocks a thread of the queue's own.
final class CommitQueue: Sendable {
    /// A decision that waits, and who waits for it.
    private protocol Waiting: Sendable {
        func decide(_ leases: any LeaseTransaction) throws(CoordinationError)
        func end(_ error: CoordinationError?)
    }

    private final class Call<Value: Sendable>: Waiting {
        private let body: @Sendable (any LeaseTransaction) throws(CoordinationError) -> Value
        private let continuation: CheckedContinuation<Result<Value, CoordinationError>, Never>
        private let value = Locked<Value?>(nil)

        init(
            _ body: @escaping @Sendable (any LeaseTransaction) throws(CoordinationError) -> Value,
            _ continuation: CheckedContinuation<Result<Value, CoordinationError>, Never>
        ) {
            (self.body, self.continuation) = (body, continuation)
        }

        func decide(_ leases: any LeaseTransaction) throws(CoordinationError) {
            let decided = try body(leases)
            value.withLock { $0 = decided }
        }

        func end(_ error: CoordinationError?) {
            if let error { return continuation.resume(returning: .failure(error)) }
            guard let value = value.withLock({ $0 }) else { preconditionFailure("a commit holds all its decisions") }
            continuation.resume(returning: .success(value))
        }
    }

    private struct State {
        var waiting: [any Waiting] = []
        var isWriting = false
    }

    /// The most decisions in one commit.
    private static let limit = 256

    private let store: any JobStore
    private let policy: LeasePolicy
    private let state = Locked(State())
    private let thread = DispatchQueue(label: "job store")

    /// How many decisions wait for the next commit.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    init(_ store: any JobStore, _ policy: LeasePolicy) { (self.store, self.policy) = (store, policy) }

    /// Has `body` decided in the next commit; returns when that is durable.
    ///
    /// `body` may be run more than once. Throws what the store throws.
    func commit<Value: Sendable>(
        _ body: @escaping @Sendable (any LeaseTransaction) throws(CoordinationError) -> Value
    ) async throws(CoordinationError) -> Value {
        let result = await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.waiting.append(Call(body, continuation))
                defer { state.isWriting = true }
                return !state.isWriting
            }
            if isIdle { thread.async { self.writeAll() } }
        }
        return try result.get()
    }

    private func writeAll() {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.limit))
                state.waiting.removeFirst(batch.count)
                state.isWriting = !batch.isEmpty
                return batch
            }
            if batch.isEmpty { return }
            write(batch)
        }
    }

    private func write(_ batch: [any Waiting]) {
        do {
            try store.transact(under: policy) { leases throws(CoordinationError) in
                for call in batch { try call.decide(leases) }
            }
            for call in batch { call.end(nil) }
        } catch {
            // What one of them cannot have, a name that the database does not take perhaps, is not for the others to bear.
            guard batch.count > 1, error.code == .store, !error.isOutage else {
                for call in batch { call.end(error) }
                return
            }
            for call in batch { write([call]) }
        }
    }
}
