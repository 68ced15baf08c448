import Locks

/// The parts that a benchmark tells apart.
package enum ModelPart: String, Sendable, CaseIterable {
    case vision, crossKeysValues, decode, sampling, rankImage, rankTexts
}

/// How long the parts of the models took, summed over all engines; handed in by a benchmark, absent otherwise.
package final class PartTimes: Sendable {
    private let sums = Locked<[ModelPart: Duration]>([:])

    package init() {}

    /// The seconds of engines' time that `part` took so far.
    package func seconds(_ part: ModelPart) -> Double { sums.withLock { $0[part, default: .zero] } / .seconds(1) }

    fileprivate func add(_ duration: Duration, to part: ModelPart) {
        sums.withLock { $0[part, default: .zero] += duration }
    }
}

/// Runs `body` as `part` of a model, and notes its time in `times` where somebody wants to know.
package func timed<Value, Failure: Error>(
    _ part: ModelPart, _ times: PartTimes?, _ body: () throws(Failure) -> Value
) throws(Failure) -> Value {
    guard let times else { return try body() }
    let start = ContinuousClock.now
    defer { times.add(ContinuousClock.now - start, to: part) }
    return try body()
}
