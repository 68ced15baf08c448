import CProcess
import Foundation
import Locks

/// The processes that a launcher has started and that have not ended.
final class Children: Sendable {
    private let running = Locked([(index: Int, process: cprocess_t)]())
    private let started = Locked(0)
    private let isStopped = Locked(false)

    /// Whether they were asked to stop.
    var areStopped: Bool { isStopped.withLock { $0 } }

    var areLeft: Bool { running.withLock { !$0.isEmpty } }

    /// Starts a process as the next one; 0, or an error's number.
    func start(_ arguments: [String], _ environment: [String]) -> Int32 {
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        return running.withLock { running in
            var process = cprocess_t()
            let code = cprocess_start_beside(&process, &words, &variables)
            guard code == 0 else { return code }
            let index = started.withLock { number in
                defer { number += 1 }
                return number
            }
            running.append((index, process))
            if areStopped { cprocess_signal(&process, SIGTERM) }
            return 0
        }
    }

    /// Sends a signal to all that run.
    func signal(_ number: Int32) {
        running.withLock { running in
            for place in running.indices { cprocess_signal(&running[place].process, number) }
        }
    }

    /// Asks all to stop, those too that start later.
    func stop() {
        isStopped.withLock { $0 = true }
        signal(SIGTERM)
    }

    /// Waits up to a second for processes to end: their exit codes, or minus the signals that killed them.
    func ended() -> [(index: Int, end: Int32)] {
        let descriptors = running.withLock { $0.map(\.process.pidfd) }
        let ready = Set(readable(descriptors).map { descriptors[$0] })
        // Under the lock, so that no signal goes to a process that has the number next.
        return running.withLock { running in
            var ends: [(index: Int, end: Int32)] = []
            for place in running.indices where ready.contains(running[place].process.pidfd) {
                ends.append((running[place].index, cprocess_reap(&running[place].process)))
            }
            running.removeAll { ready.contains($0.process.pidfd) }
            return ends
        }
    }
}
