import Foundation

/// Vocabularies of ordinary words for random checkpoints, as the two kinds of tokenizer have them.
enum RandomVocabulary {
    /// What the captions of a random captioner are made of.
    static let words = """
        a an the this one two three four five some many with and of in on at by near under over behind beside between
        above below left right top bottom middle corner picture photo image drawing scene background pattern texture
        red green blue yellow orange purple pink brown black white gray dark light bright pale striped dotted plain
        square circle triangle star ring cross diamond ball box line shape shapes object objects thing
        small large tiny big long short round flat old new wooden metal paper stone grass sand water sky
        is are has lies stands sits hangs floats rests looks seen next to side inside outside front
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let characters = "abcdefghijklmnopqrstuvwxyz0123456789!?',.-:&/".map(String.init)

    static func isWord(_ token: String) -> Bool { words.contains(token) }

    /// WordPiece tokens: special ones, words, letters at the start and inside of words, fill, `[DEC]` and `[ENC]` last.
    static func wordPieces(atLeast count: Int) -> [String] {
        var tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words
        tokens += characters.filter { !tokens.contains($0) } + characters.map { "##" + $0 }
        let fill = max(0, count - tokens.count - 2)
        return tokens + (0..<fill).map { "[unused\($0)]" } + ["[DEC]", "[ENC]"]
    }

    static func write(wordPieces tokens: [String], to directory: String) throws {
        try write(tokens.joined(separator: "\n") + "\n", "vocab.txt", directory)
        try write(
            """
            {"additional_special_tokens": ["[ENC]"], "bos_token": "[DEC]", "cls_token": "[CLS]", \
            "do_lower_case": true, "mask_token": "[MASK]", "model_max_length": 512, "pad_token": "[PAD]", \
            "sep_token": "[SEP]", "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"}

            """, "tokenizer_config.json", directory)
    }

    /// Byte-pair tokens, and the merges that build words of them.
    struct BytePairs {
        let tokens: [String]
        let merges: [String]
    }

    /// All bytes, all bytes at the end of a word, the words built letter by letter, fill, then start and end of text.
    static func bytePairs(atLeast count: Int) -> BytePairs {
        let bytes = byteCharacters
        var tokens = bytes + bytes.map { $0 + "</w>" }
        var merges: [String] = []
        var known = Set(tokens)
        for word in words {
            let pieces = word.dropLast().map(String.init) + [String(word.suffix(1)) + "</w>"]
            for (place, piece) in pieces.enumerated().dropFirst() {
                let start = pieces[..<place].joined()
                guard known.insert(start + piece).inserted else { continue }
                tokens.append(start + piece)
                merges.append(start + " " + piece)
            }
        }
        let fill = max(0, count - tokens.count - 2)
        tokens += (0..<fill).map { "<|unused\($0)|>" } + ["<|startoftext|>", "<|endoftext|>"]
        return BytePairs(tokens: tokens, merges: merges)
    }

    static func write(bytePairs vocabulary: BytePairs, to directory: String) throws {
        let numbers = Dictionary(uniqueKeysWithValues: vocabulary.tokens.enumerated().map { ($1, $0) })
        let json = try JSONSerialization.data(withJSONObject: numbers, options: [.sortedKeys, .withoutEscapingSlashes])
        try write(String(decoding: json, as: UTF8.self), "vocab.json", directory)
        let merges = ["#version: 0.2"] + vocabulary.merges
        try write(merges.joined(separator: "\n") + "\n", "merges.txt", directory)
        try write(
            """
            {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "model_max_length": 77, \
            "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>"}

            """, "tokenizer_config.json", directory)
    }

    /// The printable character that stands for each byte, in the order of the vocabulary: printable bytes first.
    ///
    /// Source: openai/CLIP `clip/simple_tokenizer.py`, `bytes_to_unicode`.
    private static var byteCharacters: [String] {
        let printable = Array(33...126) + Array(161...172) + Array(174...255)
        let others = (0..<256).filter { !printable.contains($0) }
        let codes = printable + others.indices.map { 256 + $0 }
        return codes.compactMap(Unicode.Scalar.init).map { String(Character($0)) }
    }

    private static func write(_ text: String, _ name: String, _ directory: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/" + name))
    }
}
