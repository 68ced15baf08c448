/// Why a step of phase 1 cannot be taken.
package struct PhaseOneError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// No pair of the global batch has another image than this one.
        case noNegative
        /// Similarities are not finite: the model was damaged.
        case notFinite
    }

    package let code: Code
    /// The pair's number among the candidates.
    package let pair: Int

    package var description: String {
        switch code {
        case .noNegative:
            "pair \(pair): no negative: every pair of the global batch has this image; take a larger batch, or more images"
        case .notFinite: "pair \(pair): similarities that are not finite: the weights or the images' states are damaged"
        }
    }
}
