/// Whether a loss stays at a value: judged by the means of windows of steps, so that the noise of small batches does
/// not count.
///
/// It is there after two windows in a row, and has ended after two others.
struct Plateau: Sendable, Equatable {
    enum Change: Equatable { case begun, ended }

    /// The last whole window's means.
    struct Means: Sendable, Equatable {
        var loss = 0.0
        var accuracy: Double?
    }

    private static let windowsToBelieve = 2

    let window: Int
    private(set) var means = Means()
    private(set) var isThere = false
    /// Whether any window was outside.
    private(set) var wasElsewhere = false
    /// Steps in a row that the loss has stayed there, whole windows.
    private(set) var stayed = 0
    private var (inside, outside) = (0, 0)
    private var (losses, accuracies, count) = (0.0, 0.0, 0)

    init(window: Int) { self.window = window }

    /// Takes note of a step; `holds` says whether a window's means are at the value.
    mutating func note(_ loss: Double, _ accuracy: Double?, _ holds: (Means) -> Bool) -> Change? {
        guard loss.isFinite else { return nil }
        (losses, accuracies, count) = (losses + loss, accuracies + (accuracy ?? 0), count + 1)
        guard count == window else { return nil }
        means = Means(loss: losses / Double(count), accuracy: accuracy.map { _ in accuracies / Double(count) })
        (losses, accuracies, count) = (0, 0, 0)
        let isInside = holds(means)
        (inside, outside) = isInside ? (inside + 1, 0) : (0, outside + 1)
        wasElsewhere = wasElsewhere || !isInside
        stayed = isInside ? stayed + window : 0
        if !isThere, inside == Self.windowsToBelieve {
            isThere = true
            return .begun
        }
        if isThere, outside == Self.windowsToBelieve {
            isThere = false
            return .ended
        }
        return nil
    }
}

/// Whether a loss has the same four digits over many steps: what a dead model or broken weights give.
struct ConstantLoss: Sendable, Equatable {
    /// Two values are equal when they differ by less than this part of their size.
    private static let equality = 1e-4

    private let steps: Int
    private var range: ClosedRange<Double>?
    private(set) var stayed = 0
    private(set) var isThere = false
    private(set) var value = 0.0

    init(steps: Int) { self.steps = steps }

    mutating func note(_ loss: Double) -> Plateau.Change? {
        guard loss.isFinite else { return nil }
        let wider = range.map { min($0.lowerBound, loss)...max($0.upperBound, loss) } ?? loss...loss
        if wider.upperBound - wider.lowerBound <= Self.equality * abs(loss) {
            (range, stayed, value) = (wider, stayed + 1, loss)
            guard !isThere, stayed == steps else { return nil }
            isThere = true
            return .begun
        }
        (range, stayed, value) = (loss...loss, 1, loss)
        guard isThere else { return nil }
        isThere = false
        return .ended
    }
}
