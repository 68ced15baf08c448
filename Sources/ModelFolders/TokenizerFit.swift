package import BLIP2Models
package import LanguageModels
package import TextTokenizers
package import VisionLanguage

/// Refuses a tokenizer whose tokens are not those that a captioner's decoder writes.
///
/// The released captioners' tokenizers lack the decoder's last two tokens, `[DEC]` and `[ENC]`, which are not text.
package func checkFit(
    of tokenizer: BERTWordPieceTokenizer, to decoder: DecoderConfiguration, _ directory: String
) throws(ModelError) {
    try checkLimit(tokenizer.idLimit, decoder.vocabulary, directory)
    let missing = tokenizer.idsWithoutToken(below: decoder.vocabulary)
        .filter { $0 != decoder.startToken && $0 != decoder.startToken + 1 }
    guard let first = missing.first else { return }
    let message =
        "the model writes \(decoder.vocabulary) tokens (vocab_size), of which \(missing.count) are not in the tokenizer,"
        + " \(first) for one; use the tokenizer that belongs to the model"
    throw ModelError(.badTokenizer, directory, message)
}

/// Refuses a tokenizer whose tokens are not those of a ranker's text transformer, or that ends texts with another token
/// than the one at which a text's state is taken.
package func checkFit(
    of tokenizer: CLIPTokenizer, to tower: TextTowerConfiguration, _ directory: String
) throws(ModelError) {
    try checkLimit(tokenizer.idLimit, tower.vocabulary, directory)
    // 2 asks for the token of the highest id.
    let end = tower.endToken == 2 ? tokenizer.idLimit - 1 : tower.endToken
    guard end != tokenizer.endID else { return }
    let message =
        "it ends texts with \(tokenizer.endID), but text_config.eos_token_id is \(tower.endToken): the state of a text is"
        + " taken at its end, which would be another token"
    throw ModelError(.badTokenizer, directory, message)
}

/// Refuses a tokenizer whose tokens are not those that a Q-Former reads; `[DEC]`, the last, is not text, and BERT's lacks it.
package func checkFit(
    of tokenizer: BERTWordPieceTokenizer, to model: BLIP2Configuration, _ directory: String
) throws(ModelError) {
    let vocabulary = model.qformer.vocabulary
    try checkLimit(tokenizer.idLimit, vocabulary, directory)
    let missing = tokenizer.idsWithoutToken(below: vocabulary).filter { $0 != model.startToken }
    guard let first = missing.first else { return }
    let message =
        "the model reads \(vocabulary) tokens (qformer_config.vocab_size), of which \(missing.count) are not in the"
        + " tokenizer, \(first) for one; use the tokenizer that belongs to the model"
    throw ModelError(.badTokenizer, directory, message)
}

/// Refuses a tokenizer that has more tokens than a language model, and a description whose special tokens are none.
package func checkFit(
    of tokenizer: any LanguageTokenizer, to language: LanguageModelConfiguration, _ directory: String
) throws(ModelError) {
    try checkLimit(tokenizer.idLimit, language.vocabulary, directory)
    let outside = language.specialTokens.first { !(0..<language.vocabulary).contains($0) }
    guard let outside else { return }
    throw ModelError(
        .badConfiguration, directory + "/config.json",
        "text_config: the special token \(outside) is beyond vocab_size, \(language.vocabulary)")
}

private func checkLimit(_ limit: Int, _ vocabulary: Int, _ directory: String) throws(ModelError) {
    guard limit > vocabulary else { return }
    let message =
        "it has ids up to \(limit - 1), but the model has \(vocabulary) tokens (vocab_size); use the tokenizer that"
        + " belongs to the model"
    throw ModelError(.badTokenizer, directory, message)
}
