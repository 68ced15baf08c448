import Foundation

/// Watches whether a model that writes captions makes use of the image: with another image its loss must be higher.
///
/// A language model writes fluent captions without looking, and nothing else in the losses shows it.
struct ImageUse: Sendable {
    /// The least difference that counts, as a share of the loss.
    private static let leastShare = 0.02

    private var last: (right: Double, other: Double, none: Double)?
    private var isSaid = false

    /// Takes note of a validation, and gives what is to be said of it.
    mutating func note(_ record: RunRecord) -> [String] {
        guard let right = record.terms["validation_right_image"], let other = record.terms["validation_other_image"],
            let none = record.terms["validation_no_image"]
        else { return [] }
        last = (right, other, none)
        defer { isSaid = isUnused }
        guard isUnused != isSaid else { return [] }
        guard isUnused else { return ["the image is used: " + figures] }
        let advice = "check the phase-1 model, and that captions belong to their images"
        return ["the image is hardly used: \(figures); \(advice)"]
    }

    /// What is to be said at the end of the run.
    var summary: [String] {
        last == nil ? [] : [(isUnused ? "the image is hardly used: " : "use of the image: ") + figures]
    }

    private var isUnused: Bool {
        guard let last else { return false }
        return last.other - last.right < Self.leastShare * last.right
    }

    private var figures: String {
        guard let last else { return "" }
        return "held-out loss \(lossText(last.right)) with the right image, \(lossText(last.other)) with another, "
            + "\(lossText(last.none)) with none"
    }
}
