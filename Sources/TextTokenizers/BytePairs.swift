/// Byte-pair encoding of one word: its bytes, merged pair by pair, the pair that was learnt first before others.
///
/// Source: tokenizers `BPE`. A queue of pairs makes a word of n bytes cost n log n.
struct BytePairs {
    /// What the last piece of a word ends in, in CLIP's vocabularies.
    static let suffix = Array("</w>".utf8)

    private struct Merge {
        let rank: Int
        let id: Int
    }

    /// A pair of neighbours that may still be merged; the earliest learnt, then the leftmost, goes first.
    private struct Candidate: Comparable {
        let merge: Merge
        let place: Int

        static func < (left: Candidate, right: Candidate) -> Bool {
            (left.merge.rank, left.place) < (right.merge.rank, right.place)
        }
        static func == (left: Candidate, right: Candidate) -> Bool {
            (left.merge.rank, left.place) == (right.merge.rank, right.place)
        }
    }

    private struct Pair: Hashable {
        let left: Int
        let right: Int
    }

    /// A piece of the word with the places of its neighbours; −1 where there is none, and as id when it was merged away.
    private struct Symbol {
        var id: Int
        var previous: Int
        var next: Int
    }

    private let merges: [Pair: Merge]
    /// The ids of the 256 bytes inside and at the end of a word; nil where there is none.
    private let innerIDs: [Int?]
    private let lastIDs: [Int?]

    /// The merges of `model`, over `vocabulary`, whose tokens at the end of a word end in `suffix`.
    ///
    /// A byte that the vocabulary lacks is `unknownID`, and is left out where that is nil.
    init(
        _ model: BytePairModel, _ vocabulary: Vocabulary, unknownID: Int?, suffix: [UInt8]
    ) throws(TokenizerError) {
        var table: [Pair: Merge] = [:]
        for (rank, merge) in model.merges.enumerated() {
            guard let left = vocabulary.ids[merge.left], let right = vocabulary.ids[merge.right],
                let id = vocabulary.ids[merge.left + merge.right]
            else {
                let text = String(decoding: merge.left + [0x20] + merge.right, as: UTF8.self)
                throw TokenizerError(
                    .malformed, model.mergesPath,
                    "merge \(rank + 1), \(text), has a token that is not in the vocabulary")
            }
            table[Pair(left: left, right: right)] = Merge(rank: rank, id: id)
        }
        self.merges = table
        innerIDs = ByteAlphabet.characters.map { vocabulary.ids[$0] ?? unknownID }
        lastIDs = ByteAlphabet.characters.map { vocabulary.ids[$0 + suffix] ?? unknownID }
    }

    /// Appends the ids of the pieces of `word`.
    func append(_ word: some BidirectionalCollection<UInt8>, to ids: inout [Int]) {
        guard let last = word.last else { return }
        let pieces = word.dropLast().compactMap { innerIDs[Int($0)] } + [lastIDs[Int(last)]].compactMap(\.self)
        var symbols = pieces.enumerated().map { place, id in
            Symbol(id: id, previous: place - 1, next: place + 1 < pieces.count ? place + 1 : -1)
        }
        merge(&symbols)
        for symbol in symbols where symbol.id >= 0 { ids.append(symbol.id) }
    }

    private func merge(_ symbols: inout [Symbol]) {
        var queue = Heap<Candidate>()
        for place in symbols.indices { enqueue(place, symbols, &queue) }
        while let candidate = queue.popFirst() {
            let symbol = symbols[candidate.place]
            // Either half may have been merged with another since the pair was noted.
            guard symbol.id >= 0, symbol.next >= 0,
                merges[Pair(left: symbol.id, right: symbols[symbol.next].id)]?.id == candidate.merge.id
            else { continue }
            let right = symbols[symbol.next]
            symbols[symbol.next].id = -1
            symbols[candidate.place].id = candidate.merge.id
            symbols[candidate.place].next = right.next
            if right.next >= 0 { symbols[right.next].previous = candidate.place }
            if symbol.previous >= 0 { enqueue(symbol.previous, symbols, &queue) }
            enqueue(candidate.place, symbols, &queue)
        }
    }

    private func enqueue(_ place: Int, _ symbols: [Symbol], _ queue: inout Heap<Candidate>) {
        let symbol = symbols[place]
        guard symbol.next >= 0, let merge = merges[Pair(left: symbol.id, right: symbols[symbol.next].id)] else {
            return
        }
        queue.insert(Candidate(merge: merge, place: place))
    }
}
