/// The tokenizer of OPT and GPT-2: words with the space in front of them, byte pairs merged, nothing unknown.
///
/// Source: transformers 5.23 `GPT2Tokenizer` over tokenizers' `BPE` and `ByteLevel`.
package struct ByteLevelTokenizer: LanguageTokenizer {
    private let vocabulary: Vocabulary
    private let addedTokens: AddedTokens
    private let pairs: BytePairs

    package let endID: Int
    package let paddingID: Int
    package let frame: TokenFrame
    package let longestText: Int

    /// Loads `tokenizer.json`, or `vocab.json` and `merges.txt` where there is none.
    ///
    /// Texts begin with the file's `bos_token` where `add_bos_token` says so, or else the template of `tokenizer.json`.
    package init(directory: String) throws(TokenizerError) {
        try self.init(TokenizerFiles(directory: directory))
    }

    init(_ files: TokenizerFiles) throws(TokenizerError) {
        try files.require(.byteLevel)
        let model = try BytePairModel(files)
        var vocabulary = model.vocabulary
        let standard = "<|endoftext|>"
        let start = try files.specialToken("bos_token", default: standard, in: vocabulary)
        let end = try files.specialToken("eos_token", default: standard, in: vocabulary)
        let unknown = files.specialToken("unk_token") ?? Array(standard.utf8)
        let padding = files.specialToken("pad_token")
        addedTokens = try AddedTokens(
            files, special: [start, end, unknown] + [padding].compactMap(\.self) + files.extraSpecialTokens(),
            to: &vocabulary, normalize: \.self)
        self.vocabulary = vocabulary
        endID = vocabulary.id(end)
        paddingID = padding.map { vocabulary.id($0) } ?? endID
        pairs = try BytePairs(model, vocabulary, unknownID: nil, suffix: [])
        if let begins = files.config?["add_bos_token"]?.bool {
            frame = TokenFrame(first: begins ? [vocabulary.id(start)] : [], last: [])
        } else {
            frame = try files.frame(vocabulary) ?? TokenFrame(first: [], last: [])
        }
        longestText = try files.longestText()
    }

    package var idLimit: Int { vocabulary.nextID }

    package func id(of token: String) -> Int? { vocabulary.ids[Array(token.utf8)] }

    package func isSpecial(_ id: Int) -> Bool { addedTokens.isSpecial(id) }

    package func pieces(of text: String) -> [Int] {
        var ids: [Int] = []
        for part in addedTokens.split(text, normalized: false) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text): append(text, to: &ids)
            }
        }
        return ids
    }

    /// A token whose characters are not all those of bytes is an added one, and stands for itself.
    package func bytes(of id: Int, isFirst: Bool) -> [UInt8]? {
        guard let token = vocabulary.tokens[id] else { return nil }
        let scalars = String(decoding: token, as: UTF8.self).unicodeScalars
        let bytes = scalars.compactMap { ByteAlphabet.bytes[$0] }
        return bytes.count == scalars.count ? bytes : token
    }

    private func append(_ text: String, to ids: inout [Int]) {
        for part in addedTokens.split(text, normalized: true) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text):
                ByteLevelWords.forEach(in: Array(text.unicodeScalars)) { word in
                    pairs.append(Array(String(String.UnicodeScalarView(word)).utf8), to: &ids)
                }
            }
        }
    }
}
