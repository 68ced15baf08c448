import Synchronization

/// A value that one thread at a time may see.
///
/// `Mutex` of the standard library, never inlined into its caller. Swift 6.3 may keep the address of a thread's own variables over
/// an `await` in optimized code; `Mutex` keeps there who holds it, so an asynchronous function that goes on on another thread
/// stopped the process with "unlock Mutex on a thread which hasn't acquired the lock". A call that is not inlined begins and
/// ends on one thread.
package struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    private let mutex: Mutex<Value>

    @inline(never)
    package init(_ value: consuming sending Value) { mutex = Mutex(value) }

    /// Runs `body`, which must not wait, with the value to itself.
    @inline(never)
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock(body)
    }
}
