/// Takes out spaces that tokens leave before marks and contractions.
struct SpaceCleaning {
    private let rules: [(pattern: [UInt8], replacement: [UInt8])]

    private init(_ rules: [(String, String)]) {
        self.rules = rules.map { (Array($0.0.utf8), Array($0.1.utf8)) }
    }

    /// What a WordPiece decoder does to each token by itself.
    ///
    /// Source: tokenizers `decoders/wordpiece.rs`, `cleanup`.
    static let ofTokens = SpaceCleaning([
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ])

    /// What happens to a whole text.
    ///
    /// Source: transformers `PreTrainedTokenizerBase.clean_up_tokenization`.
    static let ofTexts = SpaceCleaning([
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ])

    func apply(to text: [UInt8]) -> [UInt8] {
        rules.reduce(text) { $0.replacing($1.pattern, with: $1.replacement) }
    }
}
