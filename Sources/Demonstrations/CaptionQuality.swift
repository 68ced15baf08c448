/// How true captions are of scenes: those from the web, those that a captioner made, those that a ranker kept.
package struct CaptionQuality: Sendable, Equatable, Encodable {
    /// A caption with the ranker's score.
    package typealias Scored = (text: String, score: Double)

    /// Images that were judged.
    package private(set) var images = 0
    /// Images whose caption from the web is true.
    package private(set) var webTrue = 0
    /// Images whose best kept caption is true.
    package private(set) var bestTrue = 0
    /// Images all of whose kept captions are true.
    package private(set) var allKeptTrue = 0
    /// Captions that the captioner made.
    package private(set) var made = 0
    /// Those of them that are true.
    package private(set) var madeTrue = 0
    /// Pairs of a true and a false candidate of one image.
    package private(set) var pairs = 0
    /// Those whose true caption has the higher score; equal scores count half.
    package private(set) var pairsInOrder = 0.0
    /// The sum over all pairs of how much higher the true caption's score is.
    package private(set) var marginSum = 0.0

    package init() {}

    /// Judges one image: what the web said, `made` by the captioner, `kept` best first, all `candidates` with scores.
    package mutating func add(
        _ scene: Scene, web: String, made captions: [String], kept: [String], candidates: [Scored]
    ) {
        let truths = kept.map { Grammar.isTrue($0, of: scene) }
        images += 1
        webTrue += Grammar.isTrue(web, of: scene) ? 1 : 0
        bestTrue += truths.first == true ? 1 : 0
        allKeptTrue += truths.allSatisfy(\.self) ? 1 : 0
        made += captions.count
        madeTrue += captions.count { Grammar.isTrue($0, of: scene) }
        let judged = candidates.map { (isTrue: Grammar.isTrue($0.text, of: scene), score: $0.score) }
        for right in judged where right.isTrue {
            for wrong in judged where !wrong.isTrue {
                pairs += 1
                pairsInOrder += right.score > wrong.score ? 1 : right.score == wrong.score ? 0.5 : 0
                marginSum += right.score - wrong.score
            }
        }
    }
}
