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
        /// When the last plain line was written.
        var written: Duration?
        var isBarShown = false
    }

    private static let plainInterval = Duration.seconds(5)

    private let label: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private let state: Mutex<State?> = Mutex(nil)

    init(label: String) { self.label = label }

    /// Shows `status`; call it every second.
    func show(_ status: BuildStatus) {
        let total = status.total
        show(done: total.publishedRows + total.rowsInFlight, total: total.rows, failed: total.failures)
    }

    /// Shows that `done` of `total` rows are done, of which `failed` are left out; nil where nothing can be.
    func show(done: Int, total: Int, failed: Int?) {
        state.withLock { state in
            var current = state ?? State(line: ProgressLine(label: label, unit: "rows", total: total))
            let now = ContinuousClock.now - start
            current.line.note(done: done, at: now)
            if isTerminal {
                draw(&current, failed)
            } else if current.written.map({ now - $0 >= Self.plainInterval }) ?? true {
                write(current.line.text(failed: failed, style: .plain) + "\n")
                current.written = now
            }
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
        leave(failed: status.total.failures)
    }

    /// Leaves the line.
    func leave(failed: Int?) {
        state.withLock { state in
            guard var current = state else { return }
            if isTerminal {
                write("\n")
            } else {
                write(current.line.text(failed: failed, style: .plain) + "\n")
            }
            current.isBarShown = false
            state = current
        }
    }

    private func draw(_ state: inout State, _ failed: Int?) {
        var size = winsize()
        let width = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        write("\r\u{1b}[K" + state.line.text(failed: failed, style: .bar(width: width - 1)))
        state.isBarShown = true
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

extension SourceStatus {
    /// Rows left out.
    fileprivate var failures: Int { rejections.failureCount }
}
