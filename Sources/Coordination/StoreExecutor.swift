import Dispatch

/// Runs an actor's jobs one after the other on a dispatch queue of its own.
///
/// The job store blocks on the disk; on the shared pool, which has one thread a core, that would hold up everything
/// else in the process.
final class StoreExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "coordinator")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// Time since it was made, on an injected clock.
package struct Stopwatch: Sendable {
    private let read: @Sendable () -> Duration

    package init(_ clock: some Clock<Duration>) {
        let start = clock.now
        read = { start.duration(to: clock.now) }
    }

    /// How long ago it was made.
    package var elapsed: Duration { read() }
}
