/// Retrieval in two steps: all pairs are ranked by the contrastive similarity, then the best of each question again, with
/// the logit of matching added.
///
/// It computes nothing of a model: similarities are taken in image by image, and `pairs` says which pairs are to be matched.
///
/// Source: LAVIS `lavis/models/blip2_models/blip2.py`, `compute_sim_matrix`; `lavis/tasks/retrieval.py`, `_report_metrics`.
package struct RetrievalRanking: Sendable {
    package let set: RetrievalSet
    /// How many answers to each question are ranked again.
    package let candidates: Int
    /// For each image, captions by their row.
    private var captions: [BestAnswers]
    /// For each text, images.
    private var images: [BestAnswers]

    /// Nothing ranked yet.
    package init(_ set: RetrievalSet, candidates: Int = 128) {
        (self.set, self.candidates) = (set, candidates)
        // The places of the first ten are asked about, however few are ranked again.
        let limit = max(candidates, Recall.depths.max() ?? 1)
        captions = []
        captions.reserveCapacity(set.imageCount)
        images = Array(repeating: BestAnswers(limit: limit), count: set.texts.count)
    }

    /// How many images are ranked.
    package var imageCount: Int { captions.count }

    /// Takes in the next images: `similarities` has a row for each, with one number for every text of the set.
    ///
    /// - Throws: `notFinite` where one is no number.
    package mutating func add(_ similarities: [Float]) throws(EvaluationError) {
        let width = set.texts.count
        precondition(similarities.count % width == 0, "a similarity for every text")
        guard similarities.allSatisfy(\.isFinite) else { throw .notFinite("similarities") }
        let limit = max(candidates, Recall.depths.max() ?? 1)
        for start in stride(from: 0, to: similarities.count, by: width) {
            let image = captions.count
            var isOwn = [Bool](repeating: false, count: width)
            for text in set.textsOfImage[image] { isOwn[text] = true }
            var best = BestAnswers(limit: limit)
            for (row, caption) in set.rows.enumerated() {
                best.add(similarities[start + caption.text], row, isRight: isOwn[caption.text])
            }
            captions.append(best)
            for text in 0..<width { images[text].add(similarities[start + text], image, isRight: isOwn[text]) }
        }
    }

    /// Recall by the similarity alone.
    package var contrastive: Recalls {
        precondition(imageCount == set.imageCount, "all images are ranked")
        var recalls = Recalls()
        for best in captions { recalls.imageToText.add(place: best.firstRightPlace) }
        for (text, best) in images.enumerated() {
            recalls.textToImage.add(place: best.firstRightPlace, weight: set.imagesOfText[text].count)
        }
        return recalls
    }

    /// For each image the texts that are to be matched with it, ascending: its own candidates, and the texts whose
    /// candidate it is, each pair once.
    package func pairs() -> [[Int]] {
        precondition(imageCount == set.imageCount, "all images are ranked")
        var pairs: [Set<Int>] = captions.map { best in
            Set(best.answers.prefix(candidates).map { set.rows[Int($0.number)].text })
        }
        for (text, best) in images.enumerated() {
            for answer in best.answers.prefix(candidates) { pairs[Int(answer.number)].insert(text) }
        }
        return pairs.map { $0.sorted() }
    }

    /// Recall when candidates are ranked by similarity and logit, added, before all others; `logits` are those of `pairs`.
    ///
    /// - Throws: `notFinite` where one is no number.
    package func reranked(_ pairs: [[Int]], _ logits: [[Float]]) throws(EvaluationError) -> Recalls {
        guard logits.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { throw .notFinite("logits of matching") }
        let scores = MatchedPairs(pairs, logits)
        var recalls = Recalls()
        for (image, best) in captions.enumerated() {
            let answers = best.answers.prefix(candidates).map { answer in
                let text = set.rows[Int(answer.number)].text
                return (score: answer.score + scores.logit(image, text), isRight: answer.isRight)
            }
            let right = set.textsOfImage[image].reduce(0) { $0 + set.imagesOfText[$1].count }
            recalls.imageToText.add(place: firstRightPlace(answers) ?? set.rows.count - right)
        }
        for (text, best) in images.enumerated() {
            let answers = best.answers.prefix(candidates).map { answer in
                (score: answer.score + scores.logit(Int(answer.number), text), isRight: answer.isRight)
            }
            let right = set.imagesOfText[text].count
            recalls.textToImage.add(place: firstRightPlace(answers) ?? set.imageCount - right, weight: right)
        }
        return recalls
    }
}

/// The logits of pairs, found by image and text.
private struct MatchedPairs {
    private let pairs: [[Int]]
    private let logits: [[Float]]

    init(_ pairs: [[Int]], _ logits: [[Float]]) {
        precondition(zip(pairs, logits).allSatisfy { $0.count == $1.count }, "a logit for every pair")
        (self.pairs, self.logits) = (pairs, logits)
    }

    func logit(_ image: Int, _ text: Int) -> Float {
        let own = pairs[image]
        var (low, high) = (0, own.count)
        while low < high {
            let middle = (low + high) / 2
            if own[middle] < text { low = middle + 1 } else { high = middle }
        }
        precondition(low < own.count && own[low] == text, "every candidate was matched")
        return logits[image][low]
    }
}
