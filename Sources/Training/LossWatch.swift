/// Watches the losses of a run and says in plain words when it does not learn.
///
/// It says that the first step's losses are not near what they should be before anything is learned, that a loss
/// stays where a model is that has learned nothing, and that this has ended; each once. It judges by means over
/// windows of steps, not before the warm-up is over. A run that is resumed is given the records of its log first
/// (`replay`), so that nothing is said again.
package struct LossWatch: Sendable {
    /// What is watched for.
    private enum State: CaseIterable {
        case matching, contrastive, heldOutMatching, heldOutContrastive

        var isHeldOut: Bool { self == .heldOutMatching || self == .heldOutContrastive }
        var isMatching: Bool { self == .matching || self == .heldOutMatching }
        /// The loss by its name in the log.
        var loss: String { (isHeldOut ? CurveCharts.heldOut : "") + term }
        /// The loss of which it is told, and whose bounds it has.
        var term: String { isMatching ? "itm" : "itc" }
    }

    private let expectations: LossExpectations
    private let heldOutCandidates: Int
    /// Steps up to this one are not judged.
    private let quietSteps: Int
    private let startsFresh: Bool
    private var plateaus: [State: Plateau] = [:]
    private var constants: [String: ConstantLoss] = [:]
    private var imageUse = ImageUse()

    /// Watches a run of `steps` steps, the first `warmUpSteps` of them with a rising rate.
    ///
    /// `startsFresh` says that the model has learned nothing of this task before: it starts from a BERT or from
    /// nothing. A batch of held-out samples has `heldOutCandidates`; as many as one of training where it is nil.
    package init(
        _ expectations: LossExpectations, steps: Int, warmUpSteps: Int, startsFresh: Bool,
        heldOutCandidates: Int? = nil
    ) {
        self.expectations = expectations
        self.startsFresh = startsFresh
        self.heldOutCandidates = heldOutCandidates ?? expectations.candidates
        quietSteps = max(warmUpSteps, min(steps / 10, 2000))
        let window = min(2000, max(25, steps / 20))
        for state in State.allCases { plateaus[state] = Plateau(window: state.isHeldOut ? 1 : window) }
        for name in ["loss", "itc", "itm", "itg"] { constants[name] = ConstantLoss(steps: 100) }
    }

    /// Takes note of the steps before a run was interrupted.
    package mutating func replay(_ records: [RunRecord]) { for record in records { _ = note(record) } }

    /// Takes note of a step, and gives what is to be said of it, mostly nothing.
    package mutating func note(_ record: RunRecord) -> [String] {
        startWarnings(record) + plateauNotices(record) + constantNotices(record)
            + (record.step > quietSteps ? imageUse.note(record) : [])
    }

    /// What is to be said of the losses at the end of the run.
    package func summary() -> [String] {
        let there = State.allCases.filter { plateaus[$0]?.isThere == true }
        var lines = there.compactMap { state in
            plateaus[state].map { plateau in
                "\(state.loss) \(plateau.wasElsewhere ? "ended at" : "never left") \(place(of: state, plateau))"
            }
        }
        for (name, constant) in constants.sorted(by: { $0.key < $1.key }) where constant.isThere {
            lines.append("\(name) was \(lossText(constant.value)) at each of the last \(constant.stayed) steps")
        }
        if isDead {
            lines.append(
                "the run is dead: nothing was learned of which caption belongs to which image. Check that captions "
                    + "belong to their images, that images differ in the encoder's eyes, and the learning rate")
        }
        return lines + imageUse.summary
    }

    /// Whether neither comparing nor matching has come away from chance, on the training's samples or on held-out ones.
    package var isDead: Bool {
        func isThere(_ states: State...) -> Bool { states.contains { plateaus[$0]?.isThere == true } }
        return isThere(.matching, .heldOutMatching) && isThere(.contrastive, .heldOutContrastive)
    }

    /// What is wrong with the losses of the first step of a fresh run.
    private func startWarnings(_ record: RunRecord) -> [String] {
        guard startsFresh, record.step == 1 else { return [] }
        return ["itc", "itm", "itg"].compactMap { name in
            guard let bounds = expectations.losses[name], let value = record.terms[name] else { return nil }
            // A model that is drawn is not quite uniform, and the less so the fewer the candidates.
            guard !(abs(value - bounds.chance) <= 0.15 + 0.3 * bounds.chance) else { return nil }
            return "\(name) begins at \(lossText(value)), a model that has learned nothing has "
                + "\(lossText(bounds.chance)): check that the weights were loaded, and what enters this loss"
        }
    }

    private mutating func plateauNotices(_ record: RunRecord) -> [String] {
        guard record.step > quietSteps, !expectations.losses.isEmpty else { return [] }
        return State.allCases.compactMap { state in
            guard let value = record.terms[state.loss], var plateau = plateaus[state] else { return nil }
            let accuracy = state.isMatching ? record.terms[state.loss + "_accuracy"] : nil
            let change = plateau.note(value, accuracy) { holds(state, $0) }
            plateaus[state] = plateau
            switch change {
            case nil: return nil
            case .begun: return "\(state.loss) stays at \(place(of: state, plateau))"
            case .ended: return "\(state.loss) has left chance: \(lossText(plateau.means.loss)) \(span(state, plateau))"
            }
        }
    }

    private mutating func constantNotices(_ record: RunRecord) -> [String] {
        constants.keys.sorted().compactMap { name in
            guard let value = name == "loss" ? record.loss : record.terms[name] else { return nil }
            switch constants[name]?.note(value) {
            case nil: return nil
            case .begun:
                return
                    "\(name) has been \(lossText(value)) for \(constants[name]?.stayed ?? 0) steps, to four digits: a "
                    + "dead model, or broken weights"
            case .ended: return "\(name) changes again: \(lossText(value))"
            }
        }
    }

    /// Whether means are those of a model that has learned nothing of a task.
    private func holds(_ state: State, _ means: Plateau.Means) -> Bool {
        guard state.isMatching else { return means.loss >= 0.99 * chance(state) }
        // Whoever knows more than the ratio is below its loss, or judges more rows rightly.
        let room = state.isHeldOut ? 0.02 : 0.01
        return means.loss >= LossExpectations.matchingByRatio - 0.0065
            && (means.accuracy ?? 0) <= LossExpectations.matchingChance + room
    }

    private func chance(_ state: State) -> Double {
        LossBounds.classification(of: max(1, state.isHeldOut ? heldOutCandidates : expectations.candidates)).chance
    }

    private func span(_ state: State, _ plateau: Plateau) -> String {
        state.isHeldOut ? "on held-out samples" : "over the last \(plateau.window) steps"
    }

    /// Where a loss stays, in words: `0.6366 with 66.7 % ...`.
    private func place(of state: State, _ plateau: Plateau) -> String {
        let since =
            state.isHeldOut ? "in \(plateau.stayed) validations" : "over \(plateau.stayed) steps"
        guard state.isMatching else {
            return
                "\(lossText(plateau.means.loss)) \(since), chance is \(lossText(chance(state))): images and captions "
                + "are not told apart" + (state.isHeldOut ? " where they were not trained on" : "")
        }
        let accuracy =
            plateau.means.accuracy.map { " with \(ChartText.label(($0 * 1000).rounded() / 10)) % right" } ?? ""
        let ratio = "\(lossText(LossExpectations.matchingByRatio)) and 66.7 %"
        return "\(lossText(plateau.means.loss))\(accuracy) \(since): a model that knows only that one row in three "
            + "matches has \(ratio)"
    }
}
