/// Prepares text for WordPiece and cuts it into words, as BERT's basic tokenizer does.
///
/// Source: tokenizers `BertNormalizer` (clean, CJK, accents, lower case, in that order) and `BertPreTokenizer`. Their
/// tables are those of Unicode 8: marks, punctuation and format characters that came later are words there, not here.
struct BERTNormalizer {
    let isLowercasing: Bool
    let isStrippingAccents: Bool
    let isSpacingCJK: Bool

    /// What the reference does by default: lower case, no accents.
    static let standard = BERTNormalizer(isLowercasing: true, isStrippingAccents: true, isSpacingCJK: true)

    private init(isLowercasing: Bool, isStrippingAccents: Bool, isSpacingCJK: Bool) {
        self.isLowercasing = isLowercasing
        self.isStrippingAccents = isStrippingAccents
        self.isSpacingCJK = isSpacingCJK
    }

    /// Reads `tokenizer_config.json`; what that leaves open, `tokenizer.json` says, and then the reference's defaults.
    init(_ files: TokenizerFiles) {
        let normalizer = files.tokenizer?["normalizer"]
        isLowercasing = files.config?["do_lower_case"]?.bool ?? normalizer?["lowercase"]?.bool ?? true
        isStrippingAccents =
            files.config?["strip_accents"]?.bool ?? normalizer?["strip_accents"]?.bool ?? isLowercasing
        isSpacingCJK =
            files.config?["tokenize_chinese_chars"]?.bool ?? normalizer?["handle_chinese_chars"]?.bool ?? true
    }

    /// The words and punctuation marks of a normalised text, white space dropped.
    func words(of text: String) -> [ArraySlice<Unicode.Scalar>] {
        let scalars = Array(text.unicodeScalars)
        var words: [ArraySlice<Unicode.Scalar>] = []
        var start = 0
        for (index, scalar) in scalars.enumerated() {
            let isMark = Self.isPunctuation(scalar)
            guard isMark || scalar.isSpace else { continue }
            if start < index { words.append(scalars[start..<index]) }
            if isMark { words.append(scalars[index...index]) }
            start = index + 1
        }
        if start < scalars.count { words.append(scalars[start...]) }
        return words
    }

    /// Cleans and folds a text.
    func normalized(_ text: String) -> String {
        var result: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            if Self.isRemoved(scalar) { continue }
            if isSpacingCJK, Self.isCJK(scalar) {
                result += [" ", scalar, " "]
            } else {
                result.append(scalar.isSpace ? " " : scalar)
            }
        }
        if isStrippingAccents, !result.isASCII {
            result = result.decomposed.filter { $0.properties.generalCategory != .nonspacingMark }
        }
        return (isLowercasing ? result.lowercasedOneByOne : result).text
    }

    /// Control characters, other invisible ones, and what stands for a damaged one; not tabs and line ends.
    private static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\t" || scalar == "\n" || scalar == "\r" { return false }
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7f }
        if scalar == "\u{fffd}" { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate: true
        default: false
        }
    }

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.isASCIIPunctuation }
        return switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }

    /// The blocks of the reference; its fifth starts at 2B920, where the block itself starts at 2B820.
    private static func isCJK(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4e00...0x9fff, 0x3400...0x4dbf, 0x20000...0x2a6df, 0x2a700...0x2b73f, 0x2b740...0x2b81f,
            0x2b920...0x2ceaf, 0xf900...0xfaff, 0x2f800...0x2fa1f:
            true
        default: false
        }
    }
}
