/// T5's tokenizer: characters normalised, words cut at white space, pieces of the best score.
///
/// Source: transformers 5.23 `T5Tokenizer` over tokenizers' `Unigram`, `WhitespaceSplit` and `Metaspace`. The library
/// SentencePiece itself cuts a few strange texts in another way: decisions/0050.
package struct UnigramTokenizer: LanguageTokenizer {
    /// What stands for a space in pieces.
    private static let space: Unicode.Scalar = "▁"

    private let vocabulary: Vocabulary
    private let addedTokens: AddedTokens
    private let characters: CharacterMap?
    private let unigram: UnigramPieces
    private let isCleaningUpSpaces: Bool

    package let endID: Int
    package let paddingID: Int
    package let frame: TokenFrame
    package let longestText: Int

    /// Loads `tokenizer.json`, or `spiece.model` where there is none.
    ///
    /// Behind the pieces of `spiece.model` stand T5's own tokens, `<extra_id_99>` to `<extra_id_0>`.
    package init(directory: String) throws(TokenizerError) {
        try self.init(TokenizerFiles(directory: directory))
    }

    init(_ files: TokenizerFiles) throws(TokenizerError) {
        try files.require(.unigram)
        let model = try UnigramModel(files)
        var vocabulary = Vocabulary()
        for (id, piece) in model.pieces.enumerated() { vocabulary.insert(piece.text, id) }
        let end = try files.specialToken("eos_token", default: "</s>", in: vocabulary)
        let unknown = try files.specialToken("unk_token", default: "<unk>", in: vocabulary)
        let padding = try files.specialToken("pad_token", default: "<pad>", in: vocabulary)
        let own = model.pieces.filter { [.control, .userDefined].contains($0.kind) }.map(\.text)
        addedTokens = try AddedTokens(
            files, special: [end, unknown, padding] + own + files.extraSpecialTokens(), to: &vocabulary
        ) { model.characters?.normalized($0) ?? $0 }
        self.vocabulary = vocabulary
        (endID, paddingID) = (vocabulary.id(end), vocabulary.id(padding))
        frame = try files.frame(vocabulary) ?? TokenFrame(first: [], last: [endID])
        characters = model.characters
        unigram = UnigramPieces(model.pieces, unknownID: vocabulary.id(unknown))
        longestText = try files.longestText()
        isCleaningUpSpaces = files.config?["clean_up_tokenization_spaces"]?.bool ?? false
    }

    package var idLimit: Int { vocabulary.nextID }

    package func id(of token: String) -> Int? { vocabulary.ids[Array(token.utf8)] }

    package func isSpecial(_ id: Int) -> Bool { addedTokens.isSpecial(id) }

    package func pieces(of text: String) -> [Int] {
        var ids: [Int] = []
        for part in addedTokens.split(text, normalized: false) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text): append(characters?.normalized(text) ?? text, to: &ids)
            }
        }
        return ids
    }

    /// Each `▁` is a space, but for those of the first token.
    package func bytes(of id: Int, isFirst: Bool) -> [UInt8]? {
        guard let token = vocabulary.tokens[id] else { return nil }
        let scalars = String(decoding: token, as: UTF8.self).unicodeScalars
        let text = scalars.compactMap { $0 == Self.space ? (isFirst ? nil : " ") : $0 }
        return Array(text.text.utf8)
    }

    package func cleaned(_ text: String) -> String {
        isCleaningUpSpaces ? String(decoding: SpaceCleaning.ofTexts.apply(to: Array(text.utf8)), as: UTF8.self) : text
    }

    private func append(_ text: String, to ids: inout [Int]) {
        for part in addedTokens.split(text, normalized: true) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text):
                for word in text.unicodeScalars.split(whereSeparator: \.isSpace) { append(word, to: &ids) }
            }
        }
    }

    /// Appends a word with `▁` in front of it; a `▁` that stands in it begins another word.
    private func append(_ word: Substring.UnicodeScalarView, to ids: inout [Int]) {
        var piece: [Unicode.Scalar] = word.first == Self.space ? [] : [Self.space]
        for scalar in word {
            if scalar == Self.space, !piece.isEmpty {
                unigram.append(Array(piece.text.utf8), to: &ids)
                piece = []
            }
            piece.append(scalar)
        }
        unigram.append(Array(piece.text.utf8), to: &ids)
    }
}
