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
    /// Whether the last step is shown.
    private var isDrawn = false
    /// Means of the last few dozen steps, by the log's names.
    private var means: [String: Double] = [:]

    init(label: String, steps: Int) { line = ProgressLine(label: label, unit: "steps", total: steps) }

    /// Takes note of a step, and shows it when it is time to.
    func show(_ report: RunRecord) {
        let now = ContinuousClock.now
        line.note(done: report.step, at: now - start)
        let figures = ["loss": report.loss, "learning_rate": report.learningRate].merging(report.terms) { own, _ in own
        }
        for (name, value) in figures where name != "learning_rate" {
            means[name] = means[name].map { 0.95 * $0 + 0.05 * value } ?? value
        }
        means["learning_rate"] = report.learningRate
        isDrawn = false
        if let shown, now - shown < (isTerminal ? .milliseconds(200) : .seconds(5)) { return }
        shown = now
        isDrawn = true
        draw(end: isTerminal ? "" : "\n")
    }

    /// Shows the last step, unless a line has it, and leaves the line.
    func finish() { if shown != nil, isTerminal || !isDrawn { draw(end: "\n") } }

    private func draw(end: String) {
        let note = figures()
        let style: ProgressLine.Style = isTerminal ? .bar(width: StandardError.columns - note.count - 3) : .plain
        let text = line.text(failed: nil, style: style)
        if isTerminal {
            StandardError.write("\r\u{1b}[K\(text)  \(note)\(end)")
        } else {
            StandardError.line("\(text), \(note)", from: "blip2")
        }
    }

    /// Says `text` on a line of its own.
    func say(_ text: String) {
        if isTerminal { StandardError.write("\r\u{1b}[K") }
        StandardError.line(text, from: "blip2")
    }

    /// The losses, the share that is matched rightly beside what chance would be, and the learning rate.
    private func figures() -> String {
        func shown(_ name: String, _ label: String) -> String? {
            means[name].map { "\(label) " + String(format: abs($0) < 1 ? "%.4f" : "%.3f", $0) }
        }
        let accuracy = means["itm_accuracy"].map {
            String(
                format: "%.1f %% right, by chance %.1f %%", 100 * $0, 100 * LossExpectations.matchingChance)
        }
        let matching = shown("itm", "itm").map { loss in accuracy.map { "\(loss) (\($0))" } ?? loss }
        let rate = means["learning_rate"].map { String(format: "lr %.2g", $0) }
        return [shown("loss", "loss"), shown("itc", "itc"), matching, shown("itg", "itg"), rate]
            .compactMap { $0 }.joined(separator: ", ")
    }
}
