import Samples
import Stages
import Testing

@Suite("Selection") struct SelectionTests {
    private func captions(_ scored: [(String, Double)]) -> [ScoredCaption] {
        scored.map { ScoredCaption(text: $0.0, score: $0.1, origin: .blip) }
    }

    @Test("keeps the best first, ties in the order made")
    func ties() {
        let kept = best(3, of: captions([("a", 0.1), ("b", 0.3), ("c", 0.3), ("d", 0.2)]))
        #expect(kept.map(\.text) == ["b", "c", "d"])
    }

    @Test("keeps different texts, and never an empty one")
    func different() {
        let kept = best(2, of: captions([("a", 0.5), ("a", 0.5), ("", 0.9), ("b", 0.1)]))
        #expect(kept.map(\.text) == ["a", "b"])
        #expect(best(2, of: captions([("", 1)])).isEmpty)
    }

    @Test("stores scores to six decimals")
    func rounding() {
        #expect(storedScore(0.123_456_78) == 0.123457)
        #expect(storedScore(-0.000_000_4) == 0)
    }
}
