/// Greedy byte-pair learning: words as pieces, in which the most frequent pair of neighbours becomes one, again and again.
///
/// Source: Sennrich and others, "Neural Machine Translation of Rare Words with Subword Units", algorithm 1. Counts are
/// kept up to date word by word, so a merge costs what it changes.
struct BytePairLearning {
    private struct Pair: Hashable {
        let left: Int
        let right: Int
    }

    /// A pair with a count that it had; the most frequent goes first, then the first by its texts.
    private struct Candidate: Comparable {
        let count: Int
        let pair: Pair
        let texts: (left: [UInt8], right: [UInt8])

        static func < (a: Candidate, b: Candidate) -> Bool {
            if a.count != b.count { return a.count > b.count }
            if a.texts.left != b.texts.left { return a.texts.left.lexicographicallyPrecedes(b.texts.left) }
            return a.texts.right.lexicographicallyPrecedes(b.texts.right)
        }
        static func == (a: Candidate, b: Candidate) -> Bool { a.count == b.count && a.pair == b.pair }
    }

    /// A pair that stands in the words fewer times is left as it is.
    private static let leastCount = 2

    private var texts: [[UInt8]] = []
    private var ids: [[UInt8]: Int] = [:]
    /// Each word's pieces, and how often it stands in the texts.
    private var words: [(pieces: [Int], count: Int)] = []
    private var counts: [Pair: Int] = [:]
    /// Words that a pair was seen in; some of them may have lost it since.
    private var places: [Pair: [Int]] = [:]
    private var candidates = Heap<Candidate>()
    private var merged: Set<Pair> = []

    /// Learns from the words of `wordCounts`, whose last pieces end in `suffix`.
    init(_ wordCounts: WordCounts, suffix: [UInt8]) {
        for character in ByteAlphabet.listed { _ = id(character) }
        for character in ByteAlphabet.listed { _ = id(character + suffix) }
        for (word, count) in wordCounts.ranked {
            guard let end = word.last else { continue }
            let pieces = word.dropLast().map { id(ByteAlphabet.characters[Int($0)]) }
            words.append((pieces + [id(ByteAlphabet.characters[Int(end)] + suffix)], count))
        }
        var changed: Set<Pair> = []
        for word in words.indices { countPairs(of: word, sign: 1, &changed) }
        offer(changed)
    }

    /// How many tokens there are.
    var tokenCount: Int { texts.count }

    /// Merges the most frequent pair everywhere, and gives it; nil where no pair stands there twice.
    ///
    /// A pair may come back when another merge gives one of its two tokens anew; it is merged again, but not given again.
    mutating func mergeNext() -> (left: [UInt8], right: [UInt8])? {
        while let best = candidates.popFirst() {
            guard counts[best.pair] == best.count else { continue }  // the count has changed since
            merge(best.pair)
            if merged.insert(best.pair).inserted { return best.texts }
        }
        return nil
    }

    private mutating func merge(_ pair: Pair) {
        let joined = id(texts[pair.left] + texts[pair.right])
        var changed: Set<Pair> = []
        for word in places.removeValue(forKey: pair) ?? [] {
            let pieces = words[word].pieces
            var result: [Int] = []
            var place = 0
            while place < pieces.count {
                let isPair = place + 1 < pieces.count && pieces[place] == pair.left && pieces[place + 1] == pair.right
                result.append(isPair ? joined : pieces[place])
                place += isPair ? 2 : 1
            }
            guard result.count < pieces.count else { continue }
            countPairs(of: word, sign: -1, &changed)
            words[word].pieces = result
            countPairs(of: word, sign: 1, &changed)
        }
        offer(changed)
    }

    private mutating func countPairs(of word: Int, sign: Int, _ changed: inout Set<Pair>) {
        let (pieces, count) = words[word]
        for (left, right) in zip(pieces, pieces.dropFirst()) {
            let pair = Pair(left: left, right: right)
            counts[pair, default: 0] += sign * count
            changed.insert(pair)
            if sign > 0, places[pair]?.last != word { places[pair, default: []].append(word) }
        }
    }

    /// Makes candidates of pairs with their new counts; their order in the heap does not depend on that of the set.
    private mutating func offer(_ pairs: Set<Pair>) {
        for pair in pairs {
            guard let count = counts[pair], count >= Self.leastCount else {
                if counts[pair] == 0 { counts[pair] = nil }
                continue
            }
            candidates.insert(Candidate(count: count, pair: pair, texts: (texts[pair.left], texts[pair.right])))
        }
    }

    private mutating func id(_ text: [UInt8]) -> Int {
        if let id = ids[text] { return id }
        ids[text] = texts.count
        texts.append(text)
        return texts.count - 1
    }
}
