/// The check of a training set-up before a long run: a model that is trained on one batch again and again must learn
/// it by heart, each loss down to near its floor.
///
/// The batch's captions must differ, and its images: what is equal cannot be told apart.
package struct OverfitCheck: Sendable {
    /// What is known after a step.
    package enum Verdict: Sendable, Equatable {
        /// All losses are near their floors.
        case passed
        /// The steps are over, and these losses did not come down.
        case failed([String])
    }

    /// The part of the way from chance to floor that may be left.
    package static let tolerance = 0.1
    /// The last steps, over which losses are averaged.
    private static let window = 5

    private let expectations: LossExpectations
    private let steps: Int
    private var names: [String] { expectations.losses.keys.filter { $0 != "loss" }.sorted() }
    private var first: [String: Double] = [:]
    private var last: [String: [Double]] = [:]
    private var accuracies: [Double] = []
    private var step = 0

    /// A check of at most `steps` steps.
    package init(_ expectations: LossExpectations, steps: Int) {
        self.expectations = expectations
        self.steps = steps
    }

    /// Takes note of a step; nil while it is open how the check ends.
    package mutating func note(step: Int, terms: [String: Double]) -> Verdict? {
        self.step = step
        for name in names {
            guard let value = terms[name] else { continue }
            if first[name] == nil { first[name] = value }
            last[name] = (last[name, default: []] + [value]).suffix(Self.window)
        }
        if let accuracy = terms["itm_accuracy"] { accuracies = (accuracies + [accuracy]).suffix(Self.window) }
        let open = names.filter { !isDown($0) }
        if open.isEmpty { return .passed }
        return step >= steps ? .failed(open) : nil
    }

    /// What came of it in plain words: a line for each loss, then what it means.
    package var report: [String] {
        var lines = names.compactMap { name -> String? in
            guard let bounds = expectations.losses[name], let start = first[name], let end = mean(name) else {
                return nil
            }
            let verdict = isDown(name) ? "comes down" : "does not come down\(reason(name, end))"
            return "\(name): \(lossText(start)) at first, \(lossText(end)) after \(step) steps, floor "
                + "\(lossText(bounds.floor)): \(verdict)"
        }
        let open = names.filter { !isDown($0) }
        let these = open.count == 1 ? "this loss" : "these losses"
        lines.append(
            open.isEmpty
                ? "check passed: one batch is learned by heart"
                : "check failed: \(open.joined(separator: " and ")) cannot learn even one batch by heart; check what "
                    + "enters \(these), or allow more steps or a higher rate")
        return lines
    }

    private func mean(_ name: String) -> Double? {
        guard let values = last[name], !values.isEmpty else { return nil }
        return values.reduce(0, +) / Double(values.count)
    }

    private func isDown(_ name: String) -> Bool {
        guard let bounds = expectations.losses[name], let mean = mean(name), last[name]?.count == Self.window else {
            return false
        }
        return bounds.remainder(at: mean) <= Self.tolerance
    }

    /// What a value is known for, after a comma.
    private func reason(_ name: String, _ value: Double) -> String {
        guard let bounds = expectations.losses[name] else { return "" }
        if !value.isFinite { return ", it is not a number any more" }
        if name == "itm", abs(value - LossExpectations.matchingByRatio) < 0.01 {
            return ", it knows only that one row in three matches"
        }
        return bounds.remainder(at: value) > 0.95 ? ", it is at chance" : ""
    }
}
