import RandomNumbers
import Testing
import TextTokenizers

@Suite("A text that comes in parts, without white space at its ends")
struct TrimmedTextTests {
    @Test("is what the whole text is without it, however it is cut")
    func parts() {
        let texts = ["", "  ", " a dog ", "\n a  dog\n\nand a cat \n", "dog", "  x", "x\n"]
        for seed in 0..<50 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            for text in texts {
                var (trimmed, shown, rest) = (TrimmedText(), "", text[...])
                while !rest.isEmpty {
                    let part = rest.prefix(Int.random(in: 1...3, using: &random))
                    rest = rest.dropFirst(part.count)
                    shown += trimmed.append(String(part))
                }
                let words = text.drop(while: \.isWhitespace)
                let wanted = words.lastIndex { !$0.isWhitespace }.map { String(words[...$0]) } ?? ""
                #expect(shown == wanted, "seed \(seed), \(text)")
            }
        }
    }
}
