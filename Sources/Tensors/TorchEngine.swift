import CTorch

/// Runs libtorch on a thread of its own: libtorch blocks, and Swift's shared threads must never block.
package actor TorchEngine {
    private let executor: TorchExecutor
    private let threads: Int32
    private let device: Device
    private lazy var stream = DeviceStream(of: device)

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// An engine whose operations may use `threads` threads each, with a stream of its own on a CUDA `device`.
    package init(threads: Int = 1, device: Device = .cpu) {
        executor = TorchExecutor()
        self.device = device
        self.threads = Int32(clamping: threads)
    }

    /// Tensors made in `body` stay in `body`; only `Sendable` results leave.
    ///
    /// Where a device has no memory left for it, `body` runs once more after libtorch gave its reserve back. A device that
    /// computes nothing any more is an error of the kind `deviceLost`: only another process can use it again.
    package func run<Value: Sendable>(_ body: @Sendable () throws -> Value) throws -> Value {
        do {
            return try once(body)
        } catch let error as TorchError where error.kind == .outOfMemory {
            try device.emptyCache()
            return try again(body)
        } catch let error as TorchError {
            throw whetherLost(error)
        }
    }

    private func once<Value: Sendable>(_ body: @Sendable () throws -> Value) throws -> Value {
        ct_set_threads(threads)
        guard let stream else { return try body() }
        return try stream.run(body)
    }

    private func again<Value: Sendable>(_ body: @Sendable () throws -> Value) throws -> Value {
        do {
            return try once(body)
        } catch let error as TorchError where error.kind == .outOfMemory {
            let message = "not enough memory on \(device); use a smaller batch: \(error.message)"
            throw TorchError(.outOfMemory, operation: error.operation, message: message)
        } catch let error as TorchError {
            throw whetherLost(error)
        }
    }

    /// `error`, or that the device is lost: errors of CUDA come late, and some stay for ever.
    private func whetherLost(_ error: TorchError) -> TorchError {
        do {
            try device.synchronize()
            return error
        } catch {
            return TorchError(.deviceLost, operation: "\(device)", message: error.message)
        }
    }
}

/// Lets operations that are started on the calling thread use `count` threads.
package func useThreads(_ count: Int) { ct_set_threads(Int32(clamping: count)) }

/// A thread for actors that call libtorch: all that an actor does, it does there.
package final class TorchExecutor: SerialExecutor {
    private let thread = EngineThread.take()

    package init() {}

    deinit { thread.giveBack() }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        thread.run { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
