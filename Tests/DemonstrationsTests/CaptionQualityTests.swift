import Testing

@testable import Demonstrations

@Suite("The judge of captions")
struct CaptionQualityTests {
    private let scene = Scene(seed: 3, index: 1)

    @Test("counts true captions, and pairs that are ranked right")
    func counting() throws {
        let right = Array(Grammar.trueCaptions(of: scene).prefix(2))
        let wrong = "nothing of this kind"
        var quality = CaptionQuality()
        quality.add(
            scene, web: wrong, made: [right[0], right[1], wrong], kept: right,
            candidates: [(right[0], 0.5), (right[1], 0.2), (wrong, 0.3)])
        quality.add(
            scene, web: right[0], made: [wrong], kept: [wrong, right[0]], candidates: [(wrong, 0.1), (right[0], 0.1)])
        #expect(quality.images == 2 && quality.webTrue == 1)
        #expect(quality.bestTrue == 1 && quality.allKeptTrue == 1)
        #expect(quality.made == 4 && quality.madeTrue == 2)
        #expect(quality.pairs == 3 && quality.pairsInOrder == 1.5)
        #expect(abs(quality.marginSum - (0.2 - 0.1 + 0)) < 1e-12)
    }
}
