import CProcess
import Foundation
import Locks

/// What to run: an executable and its arguments.
package struct ProcessCommand: Hashable, Sendable {
    /// The path of the executable.
    package let executable: String
    /// Its arguments, without its own name.
    package let arguments: [String]

    package init(executable: String, arguments: [String]) {
        self.executable = executable
        self.arguments = arguments
    }
}

/// How a process ended.
package enum ProcessEnd: Hashable, Sendable, CustomStringConvertible {
    case exited(Int)
    case killed(signal: Int)
    /// It could not be started, and why.
    case notStarted(String)

    /// In words, such as `was killed by signal 9`.
    package var description: String {
        switch self {
        case .exited(let code): "ended with code \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        case .notStarted(let reason): "could not be started: \(reason)"
        }
    }
}

/// One run of a process in a group of its own, which dies with this process, however that dies.
///
/// The kernel ties the child's life to the thread that started it, so each child has a thread, which then waits for it.
final class ChildProcess: Sendable {
    private enum State {
        case waiting
        case running(cprocess_t)
        /// A signal came before it had started: it will not start any more.
        case forestalled(by: Int32)
        case ended
    }

    private static let lineLimit = 1 << 16

    private let state = Locked(State.waiting)

    /// Runs `command` to its end, handing each line that it writes to `onLine`, from another thread.
    func run(_ command: ProcessCommand, onLine: @escaping @Sendable (String) -> Void) async -> ProcessEnd {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: self.runOnThisThread(command, onLine)) }
            thread.name = "child"
            thread.start()
        }
    }

    /// Asks the process to stop, and kills it once `grace` has passed.
    func stop(grace: Duration) {
        signal(SIGTERM)
        DispatchQueue.global().asyncAfter(deadline: .now() + grace / .seconds(1)) { self.signal(SIGKILL) }
    }

    /// Asks the process to leave when it can.
    func leave() { signal(SIGUSR1) }

    /// Kills the process.
    func kill() { signal(SIGKILL) }

    /// Sends a signal to the group; one that has not started does not start any more.
    private func signal(_ number: Int32) {
        state.withLock { state in
            switch state {
            case .waiting: state = .forestalled(by: number)
            case .running(var process): cprocess_signal(&process, number)
            case .forestalled, .ended: break
            }
        }
    }

    private func runOnThisThread(_ command: ProcessCommand, _ onLine: (String) -> Void) -> ProcessEnd {
        var process = cprocess_t()
        if let end = start(command, &process) { return end }
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = cprocess_read(&process, &buffer, buffer.count)
            guard count > 0 else { break }
            for byte in buffer[..<count] {
                if byte != UInt8(ascii: "\n") { line.append(byte) }
                if byte == UInt8(ascii: "\n") || line.count == Self.lineLimit {
                    onLine(String(decoding: line, as: UTF8.self))
                    line.removeAll(keepingCapacity: true)
                }
            }
        }
        if !line.isEmpty { onLine(String(decoding: line, as: UTF8.self)) }
        // Under the lock, so that no signal goes to a process that has the number next.
        let code = state.withLock { state in
            state = .ended
            return cprocess_reap(&process)
        }
        return code < 0 ? .killed(signal: Int(-code)) : .exited(Int(code))
    }

    /// Starts the process; how it ended when it did not start.
    private func start(_ command: ProcessCommand, _ process: inout cprocess_t) -> ProcessEnd? {
        state.withLock { state in
            if case .forestalled(let signal) = state { return .killed(signal: Int(signal)) }
            var arguments = ([command.executable] + command.arguments).map { strdup($0) }
            defer { for argument in arguments { free(argument) } }
            arguments.append(nil)
            let code = cprocess_start(&process, arguments)
            guard code == 0 else {
                state = .ended
                return .notStarted(String(cString: strerror(code)))
            }
            state = .running(process)
            return nil
        }
    }
}
