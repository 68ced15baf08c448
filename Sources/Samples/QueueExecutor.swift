import Dispatch

/// Runs an actor's jobs one after the other on a queue of its own: for actors that block on the disk.
///
/// On the shared pool, which has one thread a core, that would hold up everything else in the process.
package final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
