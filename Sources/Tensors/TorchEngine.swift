import CTorch
import Dispatch

/// Runs libtorch on a thread of its own: libtorch blocks, and Swift's shared threads must never block.
package actor TorchEngine {
    private let executor: TorchExecutor
    private let threads: Int32
    private let device: Device
    private lazy var stream = DeviceStream(of: device)

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// An engine whose operations may use `threads` threads each, with a stream of its own on a CUDA `device`.
    package init(label: String = "torch", threads: Int = 1, device: Device = .cpu) {
        executor = TorchExecutor(label: label)
        self.device = device
        self.threads = Int32(clamping: threads)
    }

    /// Tensors made in `body` stay in `body`; only `Sendable` results leave.
    package func run<Value: Sendable, Failure: Error>(
        _ body: @Sendable () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        ct_set_threads(threads)
        guard let stream else { return try body() }
        return try stream.run(body)
    }
}

/// Lets operations that are started on the calling thread use `count` threads.
package func useThreads(_ count: Int) { ct_set_threads(Int32(clamping: count)) }

/// A thread for actors that call libtorch.
package final class TorchExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
