import RandomNumbers
package import Samples

/// What a report says of the rows, gathered in one pass in bounded memory, the same in whatever order the rows come.
package struct ReportGatherer: Sendable {
    /// A row of the gallery.
    struct Card: Sendable {
        let row: ReportRow
        let sample: ReportRow.Sample
    }

    /// From −1 to 1, a hundredth each, which is enough for cosines; scores beyond it double all three ranges.
    private(set) var blipScores = Histogram(-1...1, bins: 200)
    private(set) var keptScores = Histogram(-1...1, bins: 200)
    private(set) var webScores = Histogram(-1...1, bins: 200)
    /// Words a caption.
    private(set) var keptWords = Histogram(0...41, bins: 41)
    private(set) var webWords = Histogram(0...41, bins: 41)
    /// Pixels of the shorter side as fetched, by doubling: up to 64, 128 … 4096 and over.
    private(set) var sides = Histogram(6...13, bins: 14)
    /// Where the web caption came in, from 0.
    private(set) var webPlaces = Histogram(0...20, bins: 20)
    private(set) var keptByOrigin: [CaptionOrigin: Int] = [:]
    private(set) var failureExamples: [Rejection.Reason: [ReportRow]] = [:]

    /// From the lowest score of any caption to the highest.
    private(set) var scoreRange = ScoreRange()

    private let galleryLimit: Int
    private var chosen: [String: [(rank: UInt64, card: Card)]] = [:]

    /// Gathers, and chooses up to `galleryLimit` samples for the gallery.
    package init(galleryLimit: Int = 60) { self.galleryLimit = galleryLimit }

    /// Takes one row into account.
    package mutating func add(_ row: ReportRow) {
        switch row.outcome {
        case .rejected(let rejection): keep(example: row, for: rejection.reason)
        case .kept(let sample):
            measure(sample, webCaption: row.webCaption)
            choose(Card(row: row, sample: sample))
        }
    }

    /// The samples in the gallery, whose images the report will ask for, in order: the same share of every source.
    package var gallery: [SampleID] { cards.map(\.row.id) }

    var cards: [Card] {
        var queues = chosen.sorted { $0.key < $1.key }.map { $0.value[...] }
        var taken: [Card] = []
        while taken.count < galleryLimit, queues.contains(where: { !$0.isEmpty }) {
            for index in queues.indices where taken.count < galleryLimit {
                if let next = queues[index].popFirst() { taken.append(next.card) }
            }
        }
        return taken.sorted { $0.row.id < $1.row.id }
    }

    private mutating func widen(to score: Double) {
        guard score.isFinite else { return }
        // A cosine of 1 may be a little more.
        while score > 1.001 * blipScores.range.upperBound {
            blipScores.widen()
            keptScores.widen()
            webScores.widen()
        }
    }

    private mutating func measure(_ sample: ReportRow.Sample, webCaption: String) {
        widen(to: sample.candidates.map { abs($0.score) }.max() ?? 0)
        sides.add(Self.logarithm(min(sample.originalWidth, sample.originalHeight)))
        for caption in sample.kept {
            keptByOrigin[caption.origin, default: 0] += 1
            keptWords.add(Self.words(caption.text))
            if !sample.candidates.isEmpty { keptScores.add(caption.score) }
        }
        if !webCaption.isEmpty { webWords.add(Self.words(webCaption)) }
        for caption in sample.candidates { scoreRange.add(caption.score) }
        for caption in sample.candidates where caption.origin == .blip { blipScores.add(caption.score) }
        guard let web = sample.candidates.first(where: { $0.origin != .blip }) else { return }
        webScores.add(web.score)
        webPlaces.add(Double(sample.candidates.count { $0.score > web.score }))
    }

    /// Keeps the rows with the lowest digests of their keys: a fair draw that needs no second pass.
    private mutating func choose(_ card: Card) {
        let rank = Self.rank(card.row.id)
        var others = chosen[card.row.id.source, default: []]
        if others.count == galleryLimit, let last = others.last, last.rank <= rank { return }
        let place = others.firstIndex { $0.rank > rank } ?? others.endIndex
        others.insert((rank, card), at: place)
        chosen[card.row.id.source] = Array(others.prefix(galleryLimit))
    }

    private mutating func keep(example row: ReportRow, for reason: Rejection.Reason) {
        var examples = failureExamples[reason, default: []]
        let place = examples.firstIndex { row.id < $0.id } ?? examples.endIndex
        guard place < 3 else { return }
        examples.insert(row, at: place)
        failureExamples[reason] = Array(examples.prefix(3))
    }

    private static func rank(_ id: SampleID) -> UInt64 {
        SplitMix64.mixed(nameHash(id.key))
    }

    private static func words(_ text: String) -> Double {
        Double(text.split(whereSeparator: \.isWhitespace).count)
    }

    /// The logarithm to base 2, to halves: what the intervals need, exact on every machine.
    private static func logarithm(_ side: Int) -> Double {
        guard side > 0 else { return 0 }
        let whole = Double(Int.bitWidth - 1 - side.leadingZeroBitCount)
        let power = Double(1 << Int(whole))
        return Double(side) >= power * 1.414_213_562_373_095_1 ? whole + 0.5 : whole
    }
}

/// The lowest and the highest of some numbers.
struct ScoreRange: Sendable {
    private var lowest = Double.infinity
    private var highest = -Double.infinity

    mutating func add(_ score: Double) {
        guard score.isFinite else { return }
        (lowest, highest) = (min(lowest, score), max(highest, score))
    }

    /// How far `score` is on the way from the lowest, 0.02 so that it can be seen, to the highest, 1.
    func share(of score: Double) -> Double {
        guard highest > lowest, score.isFinite else { return 1 }
        return max(0.02, (score - lowest) / (highest - lowest))
    }
}
