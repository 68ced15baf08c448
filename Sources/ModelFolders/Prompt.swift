package import TextTokenizers
package import VisionLanguage

/// `text` as BLIP's decoder begins with it: the first token made the decoder's start token, no end token.
///
/// Nil where the tokenizer does not fit the decoder: it ends texts with another token, or has more of them.
package func promptTokens(
    _ text: String, _ tokenizer: BERTWordPieceTokenizer, _ decoder: DecoderConfiguration
) -> [Int]? {
    let tokens = tokenizer.encode(text)
    guard tokens.count >= 2, tokens.last == decoder.endToken, tokens.allSatisfy({ $0 < decoder.vocabulary }) else {
        return nil
    }
    return [decoder.startToken] + tokens.dropFirst().dropLast()
}
