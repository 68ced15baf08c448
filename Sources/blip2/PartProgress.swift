import Commands
import Foundation
import Reports

/// Shows how far work of several parts is on standard error: a bar for each on a terminal, a plain line every few seconds
/// elsewhere.
final class PartProgress {
    private let isTerminal = StandardError.isTerminal
    private let start = ContinuousClock.now
    private var part = ""
    private var line: ProgressLine?
    private var shown: ContinuousClock.Instant?

    /// Takes note that `done` of `total` are done of the part `label` in `unit`, and shows it when it is time to.
    func show(_ label: String, unit: String, done: Int, total: Int) {
        let now = ContinuousClock.now
        if part != label + unit {
            finish()
            (part, line) = (label + unit, ProgressLine(label: label, unit: unit, total: total))
            line?.note(done: 0, at: now - start)
        }
        line?.note(done: done, at: now - start)
        if let shown, now - shown < (isTerminal ? .milliseconds(200) : .seconds(5)) { return }
        shown = now
        draw(end: isTerminal ? "" : "\n")
    }

    /// Shows the last state of the part that was under way, and leaves its line.
    func finish() {
        if isTerminal { draw(end: "\n") }
        line = nil
    }

    private func draw(end: String) {
        guard let line else { return }
        if isTerminal {
            StandardError.write("\r\u{1b}[K\(line.text(failed: nil, style: .bar(width: StandardError.columns)))\(end)")
        } else {
            StandardError.line(line.text(failed: nil, style: .plain), from: "blip2")
        }
    }
}
