/// What a float16 run multiplies its losses by, so that small gradients do not become zero.
///
/// It is halved when gradients overflow, and the step is then skipped; after 2,000 steps without one it is doubled.
///
/// Source: Micikevicius et al., "Mixed Precision Training", 2018, section 3.2; PyTorch `torch/amp/grad_scaler.py`,
/// whose constants it has.
package struct LossScale: Sendable, Equatable, Codable {
    /// The factor, a power of two.
    private(set) package var value = 65536.0
    /// Steps since it last changed.
    private var steady = 0
    /// How many steps were skipped.
    private(set) package var skipped = 0

    package init() {}

    /// Takes note of a step whose gradients were finite, or overflowed.
    package mutating func note(overflowed: Bool) {
        if overflowed {
            (value, steady, skipped) = (value / 2, 0, skipped + 1)
        } else {
            steady += 1
            if steady == 2000 { (value, steady) = (value * 2, 0) }
        }
    }

    /// Whether it has become so small that gradients overflow without it.
    package var isExhausted: Bool { value < 1 }
}
