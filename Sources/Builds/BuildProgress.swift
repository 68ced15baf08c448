import Commands
package import Coordination
import Foundation
import Locks
import Reports
import Samples

/// Shows how far a build is on standard error.
///
/// A bar that redraws itself on a terminal, a plain line every few seconds elsewhere. Lines of the workers go above it.
package final class BuildProgress: Sendable {
    private struct State {
        var line: ProgressLine
        /// When the last plain line was written.
        var written: Duration?
        var isBarShown = false
        /// Rows done, and all of them.
        var rows = (done: 0, total: 0)
    }

    private static let plainInterval = Duration.seconds(5)

    private let label: String
    private let isTerminal = StandardError.isTerminal
    private let start = ContinuousClock.now
    private let state: Locked<State?> = Locked(nil)

    package init(label: String) { self.label = label }

    /// Shows `status`; call it every second.
    package func show(_ status: BuildStatus) {
        let total = status.total
        show(done: total.publishedRows + total.rowsInFlight, total: total.rows, failed: total.failures)
    }

    /// Shows that `done` of `total` rows are done, of which `failed` are left out; nil where nothing can be.
    package func show(done: Int, total: Int, failed: Int?) {
        state.withLock { state in
            var current = state ?? State(line: ProgressLine(label: label, unit: "rows", total: total))
            let now = ContinuousClock.now - start
            current.line.note(done: done, at: now)
            current.rows = (done, total)
            if isTerminal {
                draw(&current, failed)
            } else if current.written.map({ now - $0 >= Self.plainInterval }) ?? true {
                StandardError.line(current.line.text(failed: failed, style: .plain))
                current.written = now
            }
            state = current
        }
    }

    /// Shows a line that a worker wrote.
    package func show(line: String, of worker: String) {
        state.withLock { state in
            if state?.isBarShown == true { StandardError.write("\r\u{1b}[K") }
            state?.isBarShown = false
            // A worker logs as it is told to; what a library of it says may be anything.
            if StandardError.isJSON, line.hasPrefix("{"), line.hasSuffix("}") {
                StandardError.write(line + "\n")
            } else {
                StandardError.line(StandardError.isJSON ? line : "\(worker): \(line)", from: worker)
            }
        }
    }

    /// Shows the end of the build and leaves the line.
    package func finish(_ status: BuildStatus) {
        state.withLock { $0?.written = ContinuousClock.now - start }  // the plain line comes below
        show(status)
        leave(failed: status.total.failures)
    }

    /// Leaves the line.
    package func leave(failed: Int?) {
        state.withLock { state in
            guard var current = state else { return }
            if isTerminal {
                StandardError.write("\n")
            } else {
                StandardError.line(current.line.text(failed: failed, style: .plain))
            }
            current.isBarShown = false
            state = current
        }
    }

    private func draw(_ state: inout State, _ failed: Int?) {
        let width = StandardError.columns - 1
        StandardError.write("\r\u{1b}[K" + state.line.text(failed: failed, style: .bar(width: width)))
        state.isBarShown = true
    }

    /// Takes note of `status` without showing it.
    func note(_ status: BuildStatus) {
        state.withLock { state in
            guard let done = state?.rows.done else { return }
            state?.rows.done = max(done, status.total.publishedRows)
        }
    }

    /// Leaves the bar as it is.
    package func stop() {
        state.withLock { state in
            if state?.isBarShown == true { StandardError.write("\n") }
            state?.isBarShown = false
        }
    }

    /// Leaves the bar; says where the build was interrupted.
    package func interrupted() -> String {
        stop()
        return state.withLock { state in
            guard let state, state.rows.total > 0 else { return "interrupted before any row was done" }
            return "interrupted at \(state.rows.done * 100 / state.rows.total) %"
        }
    }
}

extension SourceStatus {
    /// Rows left out.
    fileprivate var failures: Int { rejections.failureCount }
}
