import Commands
import Foundation
import Reports
import Training

/// Shows how far training is on standard error: a bar on a terminal, a plain line every few seconds elsewhere.
final class TrainingProgress {
    private let isTerminal = StandardError.isTerminal
    private let start = ContinuousClock.now
    private var line: ProgressLine
    private var shown: ContinuousClock.Instant?
    private var loss: Double?

    init(label: String, steps: Int) { line = ProgressLine(label: label, unit: "steps", total: steps) }

    /// Takes note of a step, and shows it when it is time to.
    func show(_ report: RunRecord) {
        let now = ContinuousClock.now
        line.note(done: report.step, at: now - start)
        loss = loss.map { 0.95 * $0 + 0.05 * report.loss } ?? report.loss
        if let shown, now - shown < (isTerminal ? .milliseconds(200) : .seconds(5)) { return }
        shown = now
        draw(end: isTerminal ? "" : "\n")
    }

    /// Shows the last step and leaves the line.
    func finish() { if shown != nil { draw(end: "\n") } }

    private func draw(end: String) {
        var size = winsize()
        let width = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        let note = loss.map { String(format: "loss %.3f", $0) } ?? ""
        let style: ProgressLine.Style = isTerminal ? .bar(width: width - note.count - 3) : .plain
        let text = line.text(failed: nil, style: style)
        if isTerminal {
            StandardError.write("\r\u{1b}[K\(text)  \(note)\(end)")
        } else {
            StandardError.line("\(text), \(note)", from: "blip2")
        }
    }
}
