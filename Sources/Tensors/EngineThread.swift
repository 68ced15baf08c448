import Foundation
import Locks

/// A thread of the system that lives as long as the process, and does one job after the other.
///
/// cuBLAS, cuDNN and their plans belong to the thread that made them, so an engine must stay on one, and a thread that ends
/// would take along what recorded graphs still use. A thread that is given back serves the next engine.
///
/// `@unchecked Sendable` because the condition guards the jobs.
final class EngineThread: @unchecked Sendable {
    private static let idle = Locked<[EngineThread]>([])
    private static let stackByteCount = 8 << 20

    private let condition = NSCondition()
    private var jobs: [@Sendable () -> Void] = []

    /// An idle thread, or a new one.
    static func take() -> EngineThread { idle.withLock { $0.popLast() } ?? EngineThread() }

    /// Lets another engine have the thread; jobs that are waiting are done first.
    func giveBack() { Self.idle.withLock { $0.append(self) } }

    /// Does `job` after those that are waiting.
    func run(_ job: @escaping @Sendable () -> Void) {
        condition.lock()
        jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    private init() {
        let thread = Thread { self.work() }
        thread.stackSize = Self.stackByteCount
        thread.start()
    }

    private func work() -> Never {
        while true {
            condition.lock()
            while jobs.isEmpty { condition.wait() }
            let ready = jobs
            jobs.removeAll()
            condition.unlock()
            for job in ready { job() }
        }
    }
}
