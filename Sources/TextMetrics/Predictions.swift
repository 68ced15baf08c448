/// What a model wrote: the caption of each image, or the answer to each question.
///
/// A list of `image_id` and `caption`, or of `question_id` and `answer`, as COCO's and VQA's servers take them; GQA's has
/// `questionId` and `prediction`.
package struct Predictions: Sendable {
    /// What the texts are.
    package enum Kind: Sendable { case captions, answers }

    /// The first text of each item.
    private var texts: [String: String] = [:]
    /// The items, by how often they stand in the file.
    private var counts: [String: Int] = [:]
    private var order: [String] = []

    package init(_ path: String, _ kind: Kind) throws(MetricsError) {
        guard try JSONItems.firstByte(of: path) == UInt8(ascii: "[") else {
            let keys = kind == .captions ? "image_id and caption" : "question_id and answer"
            throw MetricsError(.malformed, path, "want a list of \(keys)")
        }
        var items = try JSONItems(path)
        while let item = try items.next() {
            let (id, text): (ItemID, String)
            switch kind {
            case .captions:
                let caption = try item.decoded(Caption.self, path)
                (id, text) = (caption.image_id.withoutExtension, caption.caption)
            case .answers:
                let answer = try item.decoded(Answer.self, path)
                (id, text) = (answer.id, answer.text)
            }
            add(id.text, text)
        }
    }

    /// The texts `written`, each of an item by its id.
    package init(_ written: some Sequence<(id: String, text: String)>) {
        for (id, text) in written { add(id, text) }
    }

    private mutating func add(_ id: String, _ text: String) {
        counts[id, default: 0] += 1
        guard texts[id] == nil else { return }
        texts[id] = text
        order.append(id)
    }

    /// The text of an item; nil where there is none.
    package func text(of id: String) -> String? { texts[id] }

    /// How the items match those that are `expected`.
    package func tally(_ expected: some Sequence<String>) -> Tally {
        var tally = Tally()
        var known: Set<String> = []
        for id in expected {
            known.insert(id)
            tally.expected += 1
            if texts[id] == nil { tally.addMissing(id) } else { tally.answered += 1 }
        }
        for id in order {
            if !known.contains(id) {
                tally.addUnexpected(id)
            } else if counts[id, default: 0] > 1 {
                tally.addDoubled(id)
            }
        }
        return tally
    }

    private struct Caption: Decodable {
        let image_id: ItemID
        let caption: String
    }

    private struct Answer: Decodable {
        let id: ItemID
        let text: String

        private enum CodingKeys: String, CodingKey { case question_id, answer, questionId, prediction }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let isGQA = container.contains(.questionId)
            id = try container.decode(ItemID.self, forKey: isGQA ? .questionId : .question_id)
            text = try container.decode(String.self, forKey: isGQA ? .prediction : .answer)
        }
    }
}

/// How predictions match what was asked for.
package struct Tally: Sendable, Equatable, Encodable {
    /// Images or questions with a reference.
    package fileprivate(set) var expected = 0
    /// Those that have a prediction.
    package fileprivate(set) var answered = 0
    /// Those that have none: a missing caption is scored as an empty one, a missing answer as a wrong one.
    package private(set) var missing = 0
    /// Those that have several, of which the first counts.
    package private(set) var doubled = 0
    /// Predictions of other images or questions, which are left out.
    package private(set) var unexpected = 0
    /// A few of each, for messages.
    package private(set) var examples: (missing: [String], doubled: [String], unexpected: [String]) = ([], [], [])

    private static let exampleLimit = 3

    package init() {}

    /// Whether each item has exactly one prediction.
    package var isComplete: Bool { missing == 0 && doubled == 0 && unexpected == 0 }

    fileprivate mutating func addMissing(_ id: String) {
        missing += 1
        if missing <= Self.exampleLimit { examples.missing.append(id) }
    }

    fileprivate mutating func addDoubled(_ id: String) {
        doubled += 1
        if doubled <= Self.exampleLimit { examples.doubled.append(id) }
    }

    fileprivate mutating func addUnexpected(_ id: String) {
        unexpected += 1
        if unexpected <= Self.exampleLimit { examples.unexpected.append(id) }
    }

    package static func == (left: Tally, right: Tally) -> Bool {
        (left.expected, left.answered, left.missing, left.doubled, left.unexpected)
            == (right.expected, right.answered, right.missing, right.doubled, right.unexpected)
    }

    private enum CodingKeys: String, CodingKey { case expected, answered, missing, doubled, unexpected }
}
