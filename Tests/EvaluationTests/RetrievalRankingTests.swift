import RandomNumbers
import Testing

@testable import Evaluation

@Suite("Recall, against a computation that sorts everything")
struct RetrievalRankingTests {
    /// A set with its scores, some of them equal.
    private struct Case {
        let set: RetrievalSet
        let candidates: Int
        /// Of each image and text.
        var similarities: [[Float]] = []
        var logits: [[Float]] = []

        init(_ random: inout SplitMix64) {
            let levels = Int.random(in: 1...40, using: &random)
            let words = Int.random(in: 1...60, using: &random)
            set = RetrievalSet(
                captions: (0..<Int.random(in: 1...40, using: &random)).map { _ in
                    (0..<Int.random(in: 1...4, using: &random)).map { _ in [Int.random(in: 0..<words, using: &random)] }
                })
            candidates = Int.random(in: 1...50, using: &random)
            func table() -> [[Float]] {
                (0..<set.imageCount).map { _ in
                    set.texts.map { _ in Float(Int.random(in: -levels...levels, using: &random)) / Float(levels) }
                }
            }
            similarities = table()
            logits = table()
        }

        /// Recall where an image scores a row's caption as `images` says, and a text an image as `texts` says: wrong answers
        /// of equal scores come before right ones.
        private func places(_ images: (Int, Int) -> Float, _ texts: (Int, Int) -> Float) -> Recalls {
            var recalls = Recalls()
            for image in 0..<set.imageCount {
                let own = set.rows.indices.filter { set.textsOfImage[image].contains(set.rows[$0].text) }
                let best = own.map { images(image, $0) }.max() ?? 0
                recalls.imageToText.add(
                    place: set.rows.indices.count { !own.contains($0) && images(image, $0) >= best })
            }
            for row in set.rows {
                let own = set.imagesOfText[row.text]
                let best = own.map { texts(row.text, $0) }.max() ?? 0
                recalls.textToImage.add(
                    place: (0..<set.imageCount).count { !own.contains($0) && texts(row.text, $0) >= best })
            }
            return recalls
        }

        var contrastive: Recalls {
            places({ similarities[$0][set.rows[$1].text] }, { similarities[$1][$0] })
        }

        var reranked: Recalls {
            let captions = (0..<set.imageCount).map { image in
                Set(
                    set.rows.indices.sorted { a, b in
                        let (x, y) = (set.rows[a].text, set.rows[b].text)
                        let own = set.textsOfImage[image]
                        return (-similarities[image][x], own.contains(x) ? 1 : 0, a)
                            < (-similarities[image][y], own.contains(y) ? 1 : 0, b)
                    }.prefix(candidates))
            }
            let images = set.texts.indices.map { text in
                Set(
                    (0..<set.imageCount).sorted { a, b in
                        let own = set.imagesOfText[text]
                        return (-similarities[a][text], own.contains(a) ? 1 : 0, a)
                            < (-similarities[b][text], own.contains(b) ? 1 : 0, b)
                    }.prefix(candidates))
            }
            func sum(_ image: Int, _ text: Int) -> Float { similarities[image][text] + logits[image][text] }
            return places(
                { captions[$0].contains($1) ? sum($0, set.rows[$1].text) : -.infinity },
                { images[$0].contains($1) ? sum($1, $0) : -.infinity })
        }
    }

    @Test("is the same, with ties, several captions an image, several images a caption, and any number of candidates")
    func bruteForce() throws {
        for seed in 0..<400 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let one = Case(&random)
            var ranking = RetrievalRanking(one.set, candidates: one.candidates)
            var start = 0
            while start < one.set.imageCount {
                let end = min(one.set.imageCount, start + Int.random(in: 1...5, using: &random))
                try ranking.add(one.similarities[start..<end].flatMap(\.self))
                start = end
            }
            #expect(ranking.contrastive == one.contrastive, "seed \(seed)")
            let pairs = ranking.pairs()
            #expect(pairs.allSatisfy { $0 == Set($0).sorted() }, "seed \(seed): a pair is matched once")
            let logits = pairs.enumerated().map { image, texts in texts.map { one.logits[image][$0] } }
            let made = try ranking.reranked(pairs, logits)
            let wanted = one.reranked
            #expect(made.textToImage == wanted.textToImage, "seed \(seed)")
            #expect(made.imageToText == wanted.imageToText, "seed \(seed)")
        }
    }

    @Test("each pair is matched once, although both of its questions ask for it")
    func pairs() throws {
        let set = RetrievalSet(captions: [[[1], [2]], [[3]], [[4]]])
        var ranking = RetrievalRanking(set, candidates: 1)
        try ranking.add([0.9, 0.8, 0.1, 0.2, 0.3, 0.2, 0.7, 0.5, 0.1, 0.1, 0.2, 0.6])
        // Image 0 asks for text 0, image 1 for text 2, image 2 for text 3; the texts ask for images 0, 0, 1 and 2.
        #expect(ranking.pairs() == [[0, 1], [2], [3]])
        #expect(ranking.contrastive.imageToText.at(1) == 1 && ranking.contrastive.textToImage.at(1) == 1)
        let reranked = try ranking.reranked([[0, 1], [2], [3]], [[-5, 2], [0], [1]])
        #expect(reranked.imageToText.at(1) == 1 && reranked.textToImage.count == 4)
    }

    @Test("a model that says the same of every pair finds nothing")
    func constant() throws {
        let set = RetrievalSet(captions: (0..<30).map { [[$0], [100 + $0]] })
        var ranking = RetrievalRanking(set)
        try ranking.add([Float](repeating: 0.25, count: 30 * 60))
        let pairs = ranking.pairs()
        let reranked = try ranking.reranked(pairs, pairs.map { $0.map { _ in Float(0) } })
        for recalls in [ranking.contrastive, reranked] {
            for depth in Recall.depths {
                #expect(recalls.imageToText.at(depth) == 0 && recalls.textToImage.at(depth) == 0)
            }
        }
    }

    @Test("captions of an image count once, and equal captions are right for all images that have them")
    func equals() throws {
        let set = RetrievalSet(captions: [[[7, 1], [7, 1], [7, 2]], [[7, 2]]])
        #expect(set.texts == [[7, 1], [7, 2]] && set.rows.count == 3)
        #expect(set.imagesOfText == [[0], [0, 1]] && set.textsOfImage == [[0, 1], [1]])
        var ranking = RetrievalRanking(set)
        try ranking.add([0.1, 0.9, 0.2, 0.8])
        #expect(ranking.contrastive.imageToText.at(1) == 1)
        #expect(ranking.contrastive.textToImage.count == 3)
        #expect(ranking.contrastive.textToImage.at(1) == 2.0 / 3, "text 0 finds image 1 first, text 1 is right twice")
    }

    @Test("numbers that are none are refused")
    func notFinite() throws {
        var ranking = RetrievalRanking(RetrievalSet(captions: [[[1]], [[2]]]))
        #expect(throws: EvaluationError.self) { try ranking.add([0, .nan, 0, 0]) }
        try ranking.add([1, 0, 0, 1])
        #expect(throws: EvaluationError.self) { try ranking.reranked([[0, 1], [0, 1]], [[0, 1], [.infinity, 0]]) }
    }
}
