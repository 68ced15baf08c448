import Coordination
import Foundation
import Reports
import Samples
import Synchronization

/// Shows how far a build is on standard error.
///
/// A bar that redraws itself on a terminal, a plain line every few seconds elsewhere. Lines of the workers go above it.
final class BuildProgress: Sendable {
    private struct State {
        var line: ProgressLine
        var ticks = 0
        var isBarShown = false
    }

    private static let plainInterval = 5

    private let label: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private let state: Mutex<State?> = Mutex(nil)

    init(label: String) { self.label = label }

    /// Shows `status`; call it every second.
    func show(_ status: BuildStatus) {
        state.withLock { state in
            let total = status.total
            var current = state ?? State(line: ProgressLine(label: label, unit: "rows", total: total.rows))
            current.line.note(done: total.publishedRows + total.rowsInFlight, at: ContinuousClock.now - start)
            if isTerminal {
                draw(&current, status)
            } else if current.ticks % Self.plainInterval == 0 {
                write(current.line.text(failed: total.failures, style: .plain) + "\n")
            }
            current.ticks += 1
            state = current
        }
    }

    /// Shows a line that a worker wrote.
    func show(line: String, of worker: String) {
        state.withLock { state in
            if state?.isBarShown == true { write("\r\u{1b}[K") }
            state?.isBarShown = false
            write("\(worker): \(line)\n")
        }
    }

    /// Shows the end of the build and leaves the line.
    func finish(_ status: BuildStatus) {
        show(status)
        state.withLock { state in
            guard var current = state else { return }
            if isTerminal {
                write("\n")
            } else {
                write(current.line.text(failed: status.total.failures, style: .plain) + "\n")
            }
            current.isBarShown = false
            state = current
        }
    }

    private func draw(_ state: inout State, _ status: BuildStatus) {
        var size = winsize()
        let width = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        write("\r\u{1b}[K" + state.line.text(failed: status.total.failures, style: .bar(width: width - 1)))
        state.isBarShown = true
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

extension SourceStatus {
    /// Rows left out.
    fileprivate var failures: Int { rejections.failureCount }
}
