package import ArgumentParser
import Dispatch
import Foundation
import Locks
import Logging

/// The version that `--version` prints and that data sets record.
package let softwareVersion = "0.1.0"

/// Parses the arguments, runs the command until it ends or a signal asks it to stop, and exits.
///
/// A `CommandError` is printed as one `error:` line. The first SIGINT or SIGTERM cancels the command, which then
/// keeps what is finished; a second one ends the process at once.
package func runToExit<Command: AsyncParsableCommand>(_ type: Command.Type) async -> Never {
    signal(SIGPIPE, SIG_IGN)
    StandardError.open()
    let stopped = StopSignal()
    do {
        let command = try Command.parseAsRoot()
        try await stopped.cancelling(command)
        exit(stopped.number.map { 128 + $0 } ?? 0)
    } catch let error as CommandError {
        printError(error.message)
        exit(error.code.rawValue)
    } catch let code as ExitCode {
        exit(code.rawValue)
    } catch is CancellationError {
        _exit(128 + (stopped.number ?? SIGINT))  // at once: work that was abandoned may still run
    } catch  where Command.exitCode(for: error) != .failure {
        say(Command.fullMessage(for: error), code: Command.exitCode(for: error))
    } catch {
        if let number = stopped.number { exit(128 + number) }
        printError("internal error: \(error)")
        exit(CommandError.Code.internalFault.rawValue)
    }
}

/// Help and version are results, a wrong usage is an error, as the argument parser words them; exits.
private func say(_ message: String, code: ExitCode) -> Never {
    guard code.isSuccess else {
        StandardError.line(message, level: .error)
        exit(code.rawValue)
    }
    do {
        try printResult(message)
        exit(code.rawValue)
    } catch {
        printError(error.message)
        exit(error.code.rawValue)
    }
}

/// Turns the first SIGINT or SIGTERM into a cancellation.
private final class StopSignal: Sendable {
    private let received = Locked<Int32?>(nil)

    /// The signal that came; nil while none did.
    var number: Int32? { received.withLock { $0 } }

    /// Runs `command`, and cancels it at the first signal.
    func cancelling(_ command: sending any ParsableCommand) async throws {
        // The one task that is not a child: only a task's handle can be cancelled from a signal.
        let task = Task {
            var command = command
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        }
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                let isFirst = received.withLock { current in
                    defer { current = current ?? number }
                    return current == nil
                }
                if isFirst { task.cancel() } else { _exit(128 + number) }
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        try await task.value
    }
}
