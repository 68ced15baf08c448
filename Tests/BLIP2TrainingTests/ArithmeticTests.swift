import BLIP2Models
import BLIP2Training
import LanguageModels
import Testing

/// Operations counted part by part, beside figures that were counted or published elsewhere.
@Suite("The arithmetic of a step") struct ArithmeticTests {
    private func phaseOne(_ vision: BLIP2Configuration, texts: [Int]) -> PhaseOneArithmetic {
        let tokens = texts.map { [Int](repeating: 0, count: $0) }
        return PhaseOneArithmetic(vision, texts: tokens, negativeTexts: tokens)
    }

    @Test(
        "of an image encoder: 155 billion operations of ViT-L/14 with 23 blocks, 520 of ViT-g/14 with 39, at 224 pixels"
    )
    func encoders() {
        for (vision, published) in [(BLIP2Configuration.vitL14, 155e9), (.vitG14, 520e9)] {
            let one = phaseOne(vision, texts: [32])
            #expect(abs(one.encoder / published - 1) < 0.01, "\(one.encoder)")
            #expect(phaseOne(vision, texts: [32, 8]).encoder == 2 * one.encoder)
        }
    }

    @Test("of phase 1's Q-Former grows with the texts, and a step has its backward pass")
    func texts() {
        let (short, long) = (phaseOne(.vitL14, texts: [8, 8]), phaseOne(.vitL14, texts: [32, 32]))
        #expect(short.looking == long.looking && short.similarities == long.similarities)
        #expect(long.reading > 3.9 * short.reading && long.generation > 4 * short.generation)
        #expect(long.matching > short.matching && long.matching < 2 * short.matching, "queries are most of a row")
        let trained = long.looking + long.reading + long.matching + long.generation + long.similarities
        #expect(long.step == long.encoder + 3 * trained)
        // As the reference does it a Q-Former's forward and backward passes are 219 billion operations an image.
        #expect(3 * trained / 2 < 219e9 && 3 * trained / 2 > 219e9 / 2, "\(3 * trained / 2)")
    }

    @Test(
        "of a frozen language model: two operations for each parameter and token, and as many in the backward pass"
    )
    func language() {
        var opt = OPTConfiguration()
        (opt.vocabulary, opt.width, opt.wordWidth, opt.innerWidth) = (50_272, 2560, 2560, 10_240)
        (opt.layers, opt.heads, opt.positions) = (32, 32, 2048)
        let made = PhaseTwoArithmetic(.vitG14, .opt(opt), given: [0, 0], asked: [17, 17])
        // OPT-2.7B without its tables of words and positions has 2.52 billion parameters; 32 queries and 16 tokens are read.
        let read = 2 * 2.52e9 * Double(2 * (32 + 16))
        let heads = 2.0 * 2560 * 50_272 * 34
        #expect(abs(made.language / (read + heads) - 1) < 0.01, "\(made.language)")
        #expect(made.step == made.encoder + 3 * made.queries + 2 * made.language)
    }
}
