import BLIP2Models
import LanguageModels
import TestSupport
import Testing
import TextTokenizers

@testable import BLIP2Training

@Suite("What phase 2 makes of captions")
struct CaptionSamplesTests {
    private static let goldens = Project.root + "/Tests/Goldens/tokenizers/"
    private let opt: any LanguageTokenizer
    private let t5: any LanguageTokenizer

    init() throws {
        opt = try loadLanguageTokenizer(directory: Self.goldens + "opt")
        t5 = try loadLanguageTokenizer(directory: Self.goldens + "t5-lists")
    }

    private func samples(
        _ tokenizer: any LanguageTokenizer, isDecoder: Bool, _ options: PhaseTwoOptions
    ) -> CaptionSamples {
        CaptionSamples(tokenizer, isDecoder: isDecoder, endToken: 50, options)
    }

    @Test("a decoder is asked for all of a text behind an empty prompt, its first token and its end among it")
    func decoder() {
        let made = samples(opt, isDecoder: true, PhaseTwoOptions())
        let sample = made.sample(made.tokens(of: "a dog"), key: 1)
        #expect(sample.given.isEmpty && sample.target.askedCount == sample.target.tokens.count)
        #expect(sample.target.tokens == opt.frame.first + opt.pieces(of: "a dog") + [50])
    }

    @Test("a prompt's tokens are given, counted in the joined text: a space at its end is no token of its own")
    func prompt() {
        let made = samples(opt, isDecoder: true, PhaseTwoOptions(prompt: "a photo of "))
        let sample = made.sample(made.tokens(of: "the dog"), key: 1)
        #expect(sample.given == opt.frame.first + opt.pieces(of: "a photo of"))
        #expect(sample.target.tokens == opt.pieces(of: " the dog") + [50])
    }

    @Test("a text that is cut has no end")
    func cut() {
        let made = samples(opt, isDecoder: true, PhaseTwoOptions(textTokens: 4))
        let tokens = made.tokens(of: "a dog on the beach with two cats and a horse")
        #expect(tokens.count == 4 && tokens.last != 50)
    }

    @Test("a model with an encoder is given the first words, at least one and at most half; all are drawn")
    func prefix() {
        let made = samples(t5, isDecoder: false, PhaseTwoOptions())
        let caption = "two cats sleeping on a red sofa"  // seven words
        let tokens = made.tokens(of: caption)
        #expect(tokens == t5.pieces(of: caption))
        var lengths: Set<Int> = []
        for key in 0..<60 {
            let sample = made.sample(tokens, key: UInt64(key))
            let (given, asked) = (sample.given.dropLast(), sample.target.tokens.dropLast())
            #expect(sample.given.last == t5.endID && sample.target.tokens.last == t5.endID)
            #expect(given + asked == tokens[...])
            let words = t5.decode(Array(given), skipSpecialTokens: true).split(separator: " ").count
            lengths.insert(words)
            // Tokenized alone, both parts are what they are in the whole.
            #expect(t5.pieces(of: t5.decode(Array(given), skipSpecialTokens: true)) == Array(given))
        }
        #expect(lengths == [1, 2, 3])
    }

    @Test("of a single word nothing is given; with the prompt's split the caption is asked for as a whole")
    func wholes() {
        let split = samples(t5, isDecoder: false, PhaseTwoOptions())
        let one = split.sample(split.tokens(of: "cats"), key: 3)
        #expect(one.given == [t5.endID] && one.target.tokens == t5.pieces(of: "cats") + [t5.endID])
        let prompted = samples(t5, isDecoder: false, PhaseTwoOptions(prompt: "a photo of ", split: .prompt))
        let whole = prompted.sample(prompted.tokens(of: "two cats"), key: 3)
        #expect(whole.given == t5.pieces(of: "a photo of") + [t5.endID])
        #expect(whole.target.tokens == t5.pieces(of: "two cats") + [t5.endID])
    }

    @Test("without an image the first token of a text is given, for there is nothing to ask it of")
    func behindFirst() {
        let made = samples(opt, isDecoder: true, PhaseTwoOptions())
        let sample = made.sample(made.tokens(of: "a dog"), key: 1)
        let shown = sample.behindFirstToken
        #expect(shown.given == [sample.target.tokens[0]])
        #expect(shown.target.tokens == Array(sample.target.tokens.dropFirst()))
        #expect(shown.targetCount == sample.targetCount - 1)
    }

    @Test("a caption is given up to the first mark in it, and asked for what follows")
    func splitAfterMarks() {
        let options = PhaseTwoOptions(splitAfter: ["Answer:", "answer:"])
        let question = "Question: is there a dog? Short answer: yes, Answer: two"
        let decoder = samples(opt, isDecoder: true, options)
        let text = decoder.sample(decoder.tokens(of: question), key: 1)
        #expect(text.given == opt.frame.first + opt.pieces(of: "Question: is there a dog? Short answer:"))
        #expect(text.target.tokens == opt.pieces(of: " yes, Answer: two") + [50])
        let encoder = samples(t5, isDecoder: false, options)
        let pair = encoder.sample(encoder.tokens(of: question), key: 1)
        #expect(pair.given == t5.pieces(of: "Question: is there a dog? Short answer:") + [t5.endID])
        #expect(pair.target.tokens == t5.pieces(of: "yes, Answer: two") + [t5.endID])
        // One without a mark is split as ever, and one that ends with a mark is asked for its end alone.
        let plain = samples(t5, isDecoder: false, PhaseTwoOptions())
        for key in 0..<20 as Range<UInt64> {
            let caption = "two cats sleeping on a red sofa"
            let made = encoder.sample(encoder.tokens(of: caption), key: key)
            let expected = plain.sample(plain.tokens(of: caption), key: key)
            #expect(made.given == expected.given && made.target.tokens == expected.target.tokens)
        }
        #expect(encoder.sample(encoder.tokens(of: "Answer:"), key: 1).target.tokens == [t5.endID])
        #expect(decoder.sample(decoder.tokens(of: "Answer:"), key: 1).target.tokens == [50])
    }

    @Test("a prompt stands before what is given, and both parts of a caption are cut at the limit")
    func splitAfterPrompt() {
        let options = PhaseTwoOptions(textTokens: 6, prompt: "a photo. ", splitAfter: ["?"])
        let caption = "is there a very big black dog in the garden? yes a very big one is in the garden"
        let decoder = samples(opt, isDecoder: true, options)
        let given = opt.frame.first + opt.pieces(of: "a photo. is there a very big black dog in the garden?")
        let behind = opt.pieces(of: " yes a very big one is in the garden")
        let text = decoder.sample(decoder.tokens(of: caption), key: 1)
        #expect(given.count > 6 && text.given == Array(given.prefix(6)))
        #expect(behind.count > 6 && text.target.tokens == Array(behind.prefix(6)))
        let encoder = samples(t5, isDecoder: false, options)
        let pair = encoder.sample(encoder.tokens(of: "is there? yes"), key: 1)
        let start = t5.pieces(of: "a photo.") + t5.pieces(of: "is there?")
        #expect(pair.given == Array(start.prefix(5)) + [t5.endID])
        #expect(pair.target.tokens == t5.pieces(of: "yes") + [t5.endID])
    }
}
