import RandomNumbers
import Testing

/// A long text that costs a careless tokenizer the square of its length.
struct LongText: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String

    init(_ unit: String) {
        testDescription = String(unit.prefix(12))
        text = String(repeating: unit, count: (1 << 16) / unit.utf8.count)
    }
}

let longTexts =
    [
        "a", "ab ", "é", "猫", "e\u{301}", "\u{301}", "\u{3a3}", "\u{3a3}'", "'", "1", " ", "[", "[SEP]", "<|",
        "<|endoftext|>",
        "&", "&amp;", "amp;", "&#1", "&lt", "\u{1b}[1", "<&amp;\n",
    ].map(LongText.init) + [LongText("&" + String(repeating: "amp;", count: 16_000))]

/// Texts of any scalars, more of those that tokenizers look at.
func randomTexts(seed: UInt64, count: Int) -> [String] {
    var random = SplitMix64(seed: seed)
    let common = Array("aAzZ019 \t\n'\"&;#<>[]|.,!?éÉßıİΣς猫\u{301}\u{a0}\u{fffd}\u{0}’“ﬁＡ😀".unicodeScalars)
    return (0..<count).map { _ in
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<60, using: &random) {
            let any = Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &random))
            text.append(
                Bool.random(using: &random) ? any ?? "x" : common[Int.random(in: common.indices, using: &random)])
        }
        return String(text)
    }
}
