/// Cuts a word into the pieces whose scores have the greatest sum.
///
/// Source: tokenizers `models/unigram/model.rs`, `encode_optimized`; google/sentencepiece `unigram_model.cc`.
struct UnigramPieces: Sendable {
    /// What an unknown character costs beyond the worst piece.
    private static let unknownPenalty = 10.0

    /// Children of trie nodes, by node and byte; the root is node 0.
    private let children: [UInt64: UInt32]
    /// The piece that ends at each node; −1 for none.
    private let pieceAtNode: [Int32]
    private let scores: [Double]
    private let unknownID: Int
    private let unknownScore: Double

    /// Of equal pieces the last counts.
    init(_ pieces: [UnigramModel.Piece], unknownID: Int) {
        var (children, pieceAtNode): ([UInt64: UInt32], [Int32]) = ([:], [-1])
        for (id, piece) in pieces.enumerated() where !piece.text.isEmpty {
            var node: UInt32 = 0
            for byte in piece.text {
                let key = UInt64(node) << 8 | UInt64(byte)
                if let child = children[key] {
                    node = child
                } else {
                    node = UInt32(pieceAtNode.count)
                    children[key] = node
                    pieceAtNode.append(-1)
                }
            }
            pieceAtNode[Int(node)] = Int32(id)
        }
        (self.children, self.pieceAtNode, self.unknownID) = (children, pieceAtNode, unknownID)
        scores = pieces.map(\.score)
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    }

    /// The best way to the end of a stretch of the word.
    private struct Way {
        var score = 0.0
        /// Where its last piece starts; −1 where no way leads here.
        var start = -1
        var id = 0
    }

    /// Appends the ids of the pieces of `word`, UTF-8; unknown characters that follow each other are one id.
    func append(_ word: [UInt8], to ids: inout [Int]) {
        var ways = [Way](repeating: Way(), count: word.count + 1)
        var start = 0
        while start < word.count {
            let width = Self.width(word[start])
            let isKnown = extend(&ways, word, from: start, width: width)
            if !isKnown { Self.offer(&ways, start, min(start + width, word.count), unknownScore, unknownID) }
            start += width
        }
        var (end, found) = (word.count, [Int]())
        while end > 0 {
            if !(ways[end].id == unknownID && found.last == unknownID) { found.append(ways[end].id) }
            end = ways[end].start
        }
        ids += found.reversed()
    }

    /// Takes all pieces that start at `start` into account; whether one of them is the single character there.
    private func extend(_ ways: inout [Way], _ word: [UInt8], from start: Int, width: Int) -> Bool {
        var (node, place, isKnown): (UInt32, Int, Bool) = (0, start, false)
        while place < word.count, let child = children[UInt64(node) << 8 | UInt64(word[place])] {
            (node, place) = (child, place + 1)
            let id = Int(pieceAtNode[Int(node)])
            guard id >= 0 else { continue }
            Self.offer(&ways, start, place, scores[id], id)
            if place - start == width { isKnown = true }
        }
        return isKnown
    }

    private static func offer(_ ways: inout [Way], _ start: Int, _ end: Int, _ score: Double, _ id: Int) {
        let score = ways[start].score + score
        if ways[end].start < 0 || score > ways[end].score { ways[end] = Way(score: score, start: start, id: id) }
    }

    private static func width(_ first: UInt8) -> Int { first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4 }
}
