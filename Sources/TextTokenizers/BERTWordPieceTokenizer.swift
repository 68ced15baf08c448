/// BERT's tokenizer: words, then their longest known pieces from the left.
///
/// Source: transformers 5.23 `BertTokenizer` over tokenizers' `WordPiece`.
package struct BERTWordPieceTokenizer: Sendable {
    private let vocabulary: Vocabulary
    private let addedTokens: AddedTokens
    private let normalizer: BERTNormalizer
    private let pieces: WordPieces
    private let isCleaningUpSpaces: Bool

    /// The id of `[CLS]`, with which every encoded text starts.
    package let classifierID: Int
    /// The id of `[SEP]`, with which every encoded text ends.
    package let separatorID: Int

    /// Loads `tokenizer.json`, or `vocab.txt` where there is none, and what the configuration files beside it say.
    package init(directory: String) throws(TokenizerError) {
        let files = try TokenizerFiles(directory: directory)
        try files.require(.bert)
        var vocabulary: Vocabulary
        if let listed = try files.vocabulary(type: "WordPiece") {
            vocabulary = listed
        } else if let lines = try files.bytes("vocab.txt") {
            vocabulary = Vocabulary(lines: lines)
        } else {
            throw files.missing("vocab.txt")
        }
        let unknown = try files.specialToken("unk_token", default: "[UNK]", in: vocabulary)
        let separator = try files.specialToken("sep_token", default: "[SEP]", in: vocabulary)
        let classifier = try files.specialToken("cls_token", default: "[CLS]", in: vocabulary)
        let first = ["bos_token", "eos_token"].compactMap(files.specialToken)
        let padding = files.specialToken("pad_token") ?? Array("[PAD]".utf8)
        let mask = files.specialToken("mask_token") ?? Array("[MASK]".utf8)
        let normalizer = BERTNormalizer(files)
        addedTokens = try AddedTokens(
            files, special: first + [unknown, separator, padding, classifier, mask] + files.extraSpecialTokens(),
            to: &vocabulary, normalize: normalizer.normalized)
        self.vocabulary = vocabulary
        (classifierID, separatorID) = (vocabulary.id(classifier), vocabulary.id(separator))
        pieces = WordPieces(vocabulary, unknownID: vocabulary.id(unknown))
        self.normalizer = normalizer
        isCleaningUpSpaces = files.config?["clean_up_tokenization_spaces"]?.bool ?? false
    }

    /// The id of a token by its text, such as `[DEC]`; nil where the vocabulary has none.
    ///
    /// Captioning checkpoints may use ids that their tokenizer does not know: ask their configuration first.
    package func id(of token: String) -> Int? { vocabulary.ids[Array(token.utf8)] }

    /// The id after the last one.
    package var idLimit: Int { vocabulary.nextID }

    /// The tokens by id, from 0 to the last one; ids without a token have one that no text contains.
    var tokens: [[UInt8]] { (0..<idLimit).map { vocabulary.tokens[$0] ?? Array("[unused id \($0)]".utf8) } }

    /// The ids from 0 to `limit` that have no token.
    package func idsWithoutToken(below limit: Int) -> [Int] { (0..<limit).filter { vocabulary.tokens[$0] == nil } }

    /// The ids of `text` between those of `[CLS]` and `[SEP]`.
    package func encode(_ text: String) -> [Int] {
        var ids = [classifierID]
        for part in addedTokens.split(text, normalized: false) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text): encode(text, into: &ids)
            }
        }
        ids.append(separatorID)
        return ids
    }

    /// The text of `ids`, pieces joined to words, a space between words; unknown ids say nothing.
    ///
    /// Source: tokenizers `decoders.WordPiece`, then transformers `clean_up_tokenization` where the configuration asks
    /// for it.
    package func decode(_ ids: [Int], skipSpecialTokens: Bool) -> String {
        var text: [UInt8] = []
        var isFirst = true
        for id in ids {
            guard let token = vocabulary.tokens[id], !(skipSpecialTokens && addedTokens.isSpecial(id)) else { continue }
            text += SpaceCleaning.ofTokens.apply(to: isFirst ? token : WordPieces.joined(token))
            isFirst = false
        }
        return String(decoding: isCleaningUpSpaces ? SpaceCleaning.ofTexts.apply(to: text) : text, as: UTF8.self)
    }

    private func encode(_ text: String, into ids: inout [Int]) {
        for part in addedTokens.split(normalizer.normalized(text), normalized: true) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text):
                for word in normalizer.words(of: text) { pieces.append(word, to: &ids) }
            }
        }
    }
}
