/// CLIP's tokenizer: cleaned lower-case text, cut into words, byte pairs merged.
///
/// Source: openai/CLIP `simple_tokenizer.py` and `tokenize`; transformers 5.23 `CLIPTokenizer`.
package struct CLIPTokenizer: Sendable {
    /// What is done to a text before it is cut into words.
    package enum Cleaning: Sendable {
        /// Repairs of text from the web, as openai/CLIP makes them.
        case web
        /// Normalization form C alone, as transformers has it.
        case plain
    }

    private let vocabulary: Vocabulary
    private let addedTokens: AddedTokens
    private let pairs: BytePairs
    private let cleaning: Cleaning
    private let contextLength: Int

    /// The id of `<|startoftext|>`, with which every encoded text starts.
    package let startID: Int
    /// The id of `<|endoftext|>`, with which every encoded text ends.
    package let endID: Int

    /// Loads `tokenizer.json`, or `vocab.json` and `merges.txt` where there is none.
    ///
    /// `contextLength` is the most ids that a text may have, at least 2; where the files say a smaller `model_max_length`,
    /// that counts.
    package init(
        directory: String, contextLength: Int = 77, cleaning: Cleaning = .web
    ) throws(TokenizerError) {
        precondition(contextLength >= 2, "a text has at least a start and an end")
        let files = try TokenizerFiles(directory: directory)
        try files.require(.clip)
        let model = try BytePairModel(files)
        var vocabulary = model.vocabulary
        let start = try files.specialToken("bos_token", default: "<|startoftext|>", in: vocabulary)
        let end = try files.specialToken("eos_token", default: "<|endoftext|>", in: vocabulary)
        let unknown = files.specialToken("unk_token") ?? end
        let padding = files.specialToken("pad_token") ?? end
        addedTokens = try AddedTokens(
            files, special: [start, end, unknown, padding] + files.extraSpecialTokens(), to: &vocabulary,
            normalize: Self.normalized)
        self.vocabulary = vocabulary
        (startID, endID) = (vocabulary.id(start), vocabulary.id(end))
        pairs = try BytePairs(model, vocabulary, unknownID: vocabulary.id(unknown), suffix: BytePairs.suffix)
        self.contextLength = min(contextLength, try files.longestText())
        self.cleaning = cleaning
    }

    /// The id after the last one.
    package var idLimit: Int { vocabulary.nextID }

    /// The ids of `text` between those of start and end, at most `contextLength`; the last is always the end.
    package func encode(_ text: String) -> [Int] {
        var ids = [startID]
        switch cleaning {
        case .web: appendWeb(text, to: &ids)
        case .plain: appendPlain(text, to: &ids)
        }
        if ids.count >= contextLength { ids.removeSubrange((contextLength - 1)...) }
        ids.append(endID)
        return ids
    }

    /// The text of `ids`, a space between words; unknown ids say nothing.
    package func decode(_ ids: [Int], skipSpecialTokens: Bool) -> String {
        let tokens = ids.filter { !(skipSpecialTokens && addedTokens.isSpecial($0)) }.compactMap {
            vocabulary.tokens[$0]
        }
        let bytes = tokens.flatMap { token in
            let scalars = String(decoding: token, as: UTF8.self).unicodeScalars
            let bytes = scalars.compactMap { ByteAlphabet.bytes[$0] }
            return bytes.count == scalars.count ? bytes : token
        }
        let spaced = bytes.replacing(Array("</w>".utf8), with: [UInt8(ascii: " ")])
        let scalars = Array(String(decoding: spaced, as: UTF8.self).unicodeScalars)
        let first = scalars.firstIndex { !$0.isSpace } ?? scalars.count
        let last = scalars.lastIndex { !$0.isSpace } ?? first - 1
        return Array(scalars[first..<(last + 1)]).text
    }

    private func appendWeb(_ text: String, to ids: inout [Int]) {
        CLIPWords.forEach(inWeb: text) { word in
            switch word {
            case CLIPWords.start[...]: ids.append(startID)
            case CLIPWords.end[...]: ids.append(endID)
            default: append(word, to: &ids)
            }
        }
    }

    private func appendPlain(_ text: String, to ids: inout [Int]) {
        for part in addedTokens.split(text, normalized: false) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text): appendNormalized(Self.normalized(text), to: &ids)
            }
        }
    }

    private func appendNormalized(_ text: String, to ids: inout [Int]) {
        for part in addedTokens.split(text, normalized: true) {
            switch part {
            case .token(let id): ids.append(id)
            case .text(let text):
                CLIPWords.forEach(in: Array(text.unicodeScalars)) { word in
                    guard word == CLIPWords.start[...] || word == CLIPWords.end[...] else {
                        return append(word, to: &ids)
                    }
                    // Not there in the raw text, so no token; the byte-level step of the reference cuts it once more.
                    for piece in [word.prefix(2), word.dropFirst(2).dropLast(2), word.suffix(2)] {
                        append(piece, to: &ids)
                    }
                }
            }
        }
    }

    private static func normalized(_ text: String) -> String {
        Array(text.unicodeScalars).composed.lowercasedOneByOne.text
    }

    private func append(_ word: ArraySlice<Unicode.Scalar>, to ids: inout [Int]) {
        pairs.append(Array(String(String.UnicodeScalarView(word)).utf8), to: &ids)
    }
}
