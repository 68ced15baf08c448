import Foundation
import RandomNumbers
import TestSupport
import Testing

@testable import TextTokenizers

/// Captions as a small data set has them; many words, few of them often.
private let captions: [String] = {
    var random = SplitMix64(seed: 5)
    let sizes = ["a small", "a large", "one tiny", "A Big"]
    let things = ["red circle", "blue triangle", "green square", "yellow star", "purple-ish ring", "cat's café"]
    let places = [
        "on the left", "next to it", "in the background", "above 2 boxes!", "over naïve grass, stones & sand",
    ]
    return (0..<300).map { number in
        let parts = [sizes, things, places].map { $0[Int.random(in: 0..<$0.count, using: &random)] }
        return parts.joined(separator: " ") + (number % 50 == 0 ? " number\(number) 東京" : "")
    }
}()

/// Texts that are not in the captions.
private let others = [
    "A small RED square!", "unheard-of wordings, it's 1999", "", "naïve café\u{301} 東京 🎉", "\"quoted\" \\ back/slash",
]

private func folder() throws -> String { try Project.temporaryFolder("vocabulary") }

@Suite("A learnt vocabulary of words") struct LearnedWordPieceTests {
    private let vocabulary = WordPieceVocabulary.learn(from: WordCounts(.wordPiece, of: captions), limit: 160)

    @Test("has special tokens where BLIP has them, and the words by frequency between them and the letters")
    func order() {
        let counts = WordCounts(.wordPiece, of: ["red red CAT's café", "red cafe dog cat", "x"])
        let tokens = WordPieceVocabulary.learn(from: counts, limit: WordPieceVocabulary.leastCount + 3).tokens
        #expect(tokens.prefix(8) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "cafe", "cat"])
        #expect(tokens[8] == "a" && tokens.suffix(3) == ["##/", "[DEC]", "[ENC]"])
        #expect(tokens.count == WordPieceVocabulary.leastCount + 3)
        #expect(WordPieceVocabulary.learn(from: counts, limit: 1000).tokens.count < 120)
    }

    @Test("is the same for the same words in any order, has no token twice and no more than it may")
    func deterministic() {
        let turned = WordPieceVocabulary.learn(from: WordCounts(.wordPiece, of: captions.reversed()), limit: 160)
        #expect(turned == vocabulary)
        for limit in [WordPieceVocabulary.leastCount, 110, 140, 300, 5000] {
            let tokens = WordPieceVocabulary.learn(from: WordCounts(.wordPiece, of: captions), limit: limit).tokens
            #expect(tokens.count <= limit && Set(tokens).count == tokens.count)
        }
        let whole = WordPieceVocabulary.learn(from: WordCounts(.wordPiece, of: captions), limit: 5000).tokens
        #expect(whole.contains("東") && whole.contains("##東"), "characters that are no letters of English")
    }

    @Test("encodes and decodes its captions, a token for each frequent word")
    func roundTrip() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try WordPieceVocabulary.learn(from: WordCounts(.wordPiece, of: captions), limit: 400).write(to: folder)
        let tokenizer = try BERTWordPieceTokenizer(directory: folder)
        #expect(tokenizer.classifierID == 2 && tokenizer.separatorID == 3)
        #expect(tokenizer.id(of: "[DEC]").map { $0 + 1 } == tokenizer.id(of: "[ENC]"))
        let ids = tokenizer.encode("A small red circle on the left")
        #expect(ids.count == 9)
        #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "a small red circle on the left")
        for caption in captions where !caption.contains("'") && !caption.contains("-") {
            let text = tokenizer.decode(tokenizer.encode(caption), skipSpecialTokens: true)
            let plain = caption.lowercased().replacing("é", with: "e").replacing("ï", with: "i").replacing(
                "東京", with: "東 京")
            #expect(text == plain)
        }
    }

    @Test("gives the same ids in transformers")
    func transformers() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try vocabulary.write(to: folder)
        let tokenizer = try BERTWordPieceTokenizer(directory: folder)
        let texts = captions + others
        #expect(try transformersIDs("BertTokenizer", folder, texts) == texts.map(tokenizer.encode))
    }
}

@Suite("A learnt byte-pair vocabulary") struct LearnedBytePairTests {
    private func learn(_ texts: [String], merges: Int) -> BytePairVocabulary {
        .learn(from: WordCounts(.bytePair, of: texts), limit: BytePairVocabulary.leastCount + merges)
    }

    @Test("merges the most frequent pair first, of equally frequent ones the first by its text")
    func merges() {
        // lo 5, ow</w> 2, ow 3, we 3, er</w> 3; then low is there 3 times and low</w> twice.
        let vocabulary = learn(["low low lower lower lower", "zz"], merges: 10)
        let merges = vocabulary.merges.map { "\($0.left) \($0.right)" }
        #expect(merges == ["l o", "e r</w>", "lo w", "low er</w>", "lo w</w>"])
        #expect(
            vocabulary.tokens[512...] == [
                "lo", "er</w>", "low", "lower</w>", "low</w>", "<|startoftext|>", "<|endoftext|>",
            ])
        #expect(vocabulary.tokens[0] == "!" && vocabulary.tokens[256] == "!</w>" && vocabulary.tokens[255] == "\u{143}")
        #expect(learn(["low low lower lower lower"], merges: 2).merges.count == 2)
    }

    @Test("is what counting all pairs anew for every merge gives", arguments: 0..<20 as Range<UInt64>)
    func likeTheSlowWay(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let texts = (0..<60).map { _ in
            String((0..<Int.random(in: 1...9, using: &random)).map { _ in "aabc".randomElement(using: &random) ?? "a" })
        }
        let learnt = learn(texts, merges: 40).merges.map { [$0.left, $0.right] }
        #expect(learnt == slowMerges(texts, tokens: 40), "seed \(seed)")
    }

    @Test("is the same for the same words in any order, has no token twice and no more than it may")
    func deterministic() {
        for merges in [0, 1, 60, 5000] {
            let vocabulary = learn(captions, merges: merges)
            #expect(vocabulary == learn(captions.reversed(), merges: merges))
            #expect(vocabulary.tokens.count <= BytePairVocabulary.leastCount + merges)
            #expect(Set(vocabulary.tokens).count == vocabulary.tokens.count)
        }
    }

    @Test("encodes and decodes any text, a token for each frequent word")
    func roundTrip() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let vocabulary = learn(captions, merges: 1000)
        try vocabulary.write(to: folder)
        let lines = try String(contentsOfFile: folder + "/merges.txt", encoding: .utf8).split(separator: "\n")
        #expect(lines == ["#version: 0.2"] + vocabulary.merges.map { "\($0.left) \($0.right)" })
        let tokenizer = try CLIPTokenizer(directory: folder)
        #expect(tokenizer.endID == vocabulary.tokens.count - 1 && tokenizer.startID == tokenizer.endID - 1)
        #expect(tokenizer.encode("A small red circle on the left").count == 9)
        for text in ["a small red circle", "unheard wordings 東京 🎉 naïve", "\\ \" / ~"] {
            #expect(tokenizer.decode(tokenizer.encode(text), skipSpecialTokens: true) == text)
        }
    }

    @Test("gives the same ids in transformers")
    func transformers() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try learn(captions, merges: 150).write(to: folder)
        let tokenizer = try CLIPTokenizer(directory: folder, cleaning: .plain)
        let texts = captions + others
        #expect(try transformersIDs("CLIPTokenizer", folder, texts) == texts.map(tokenizer.encode))
    }

    /// Byte-pair learning as its paper writes it down, for ASCII words.
    private func slowMerges(_ texts: [String], tokens: Int) -> [[String]] {
        var words = texts.map { $0.dropLast().map(String.init) + [String($0.suffix(1)) + "</w>"] }
        var (merges, known): ([[String]], Set<String>) = ([], [])
        while known.count < tokens {
            var counts: [[String]: Int] = [:]
            for word in words { for pair in zip(word, word.dropFirst()) { counts[[pair.0, pair.1], default: 0] += 1 } }
            let best = counts.filter { $0.value > 1 }.min { a, b in
                a.value == b.value ? a.key.lexicographicallyPrecedes(b.key) : a.value > b.value
            }
            guard let pair = best?.key else { break }
            if !merges.contains(pair) { merges.append(pair) }
            known.insert(pair.joined())
            words = words.map { word in
                var result: [String] = []
                for piece in word {
                    if result.last == pair[0], piece == pair[1] {
                        result[result.count - 1] += piece
                    } else {
                        result.append(piece)
                    }
                }
                return result
            }
        }
        return merges
    }
}

@Suite("A learnt byte-level vocabulary") struct LearnedByteLevelTests {
    private func learn(limit: Int) -> ByteLevelVocabulary {
        .learn(from: WordCounts(.byteLevel, of: captions), limit: limit)
    }

    @Test("has OPT's special tokens, all bytes, and a token for each frequent word with its space")
    func order() throws {
        let vocabulary = learn(limit: 2000)
        #expect(vocabulary.tokens.prefix(4) == ["<s>", "<pad>", "</s>", "<unk>"])
        #expect(vocabulary.tokens.count <= 2000 && Set(vocabulary.tokens).count == vocabulary.tokens.count)
        #expect(vocabulary.tokens.contains("Ġcircle") && !vocabulary.tokens.contains { $0.contains("</w>") })
        #expect(learn(limit: ByteLevelVocabulary.leastCount).tokens.count == ByteLevelVocabulary.leastCount)
        #expect(learn(limit: 400) == .learn(from: WordCounts(.byteLevel, of: captions.reversed()), limit: 400))
    }

    @Test("encodes and decodes any text, and gives the same ids in transformers")
    func roundTrip() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try learn(limit: 500).write(to: folder)
        let tokenizer = try loadLanguageTokenizer(directory: folder)
        #expect(tokenizer.frame.first == [2] && tokenizer.endID == 2 && tokenizer.paddingID == 1)
        let texts = captions + others
        for text in texts {
            #expect(tokenizer.decode(tokenizer.encode(text), skipSpecialTokens: true).utf8.elementsEqual(text.utf8))
        }
        #expect(try transformersIDs("GPT2Tokenizer", folder, texts) == texts.map { tokenizer.encode($0) })
    }
}

@Suite("A learnt vocabulary of pieces") struct LearnedUnigramTests {
    private func learn(limit: Int) -> UnigramVocabulary {
        .learn(from: WordCounts(.unigram, of: captions), limit: limit)
    }

    @Test("has T5's special tokens, all characters, and no more pieces than it may")
    func order() {
        let pieces = learn(limit: 200).pieces
        #expect(pieces.prefix(3).map(\.text) == ["<pad>", "</s>", "<unk>"])
        #expect(pieces.count <= 200 && pieces.count > 120 && Set(pieces.map(\.text)).count == pieces.count)
        for character in Set(captions.joined().filter { !$0.isWhitespace }) {
            #expect(pieces.contains { $0.text == String(character) }, "\(character)")
        }
        #expect(pieces.contains { $0.text == "▁small" || $0.text == "▁a" })
        let turned = UnigramVocabulary.learn(from: WordCounts(.unigram, of: captions.reversed()), limit: 200).pieces
        #expect(turned.elementsEqual(pieces) { $0 == $1 })
    }

    @Test("encodes and decodes its captions, and gives the same ids in transformers")
    func roundTrip() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try learn(limit: 300).write(to: folder)
        let tokenizer = try loadLanguageTokenizer(directory: folder)
        #expect(tokenizer.frame.last == [1] && tokenizer.endID == 1 && tokenizer.paddingID == 0)
        for caption in captions {
            #expect(tokenizer.decode(tokenizer.encode(caption), skipSpecialTokens: true) == caption)
        }
        let texts = captions + others
        #expect(try transformersIDs("T5Tokenizer", folder, texts) == texts.map { tokenizer.encode($0) })
    }
}

/// What transformers' tokenizer `name`, loaded from `folder`, makes of `texts`.
private func transformersIDs(_ name: String, _ folder: String, _ texts: [String]) throws -> [[Int]] {
    let script = """
        import json, sys, transformers
        tokenizer = getattr(transformers, sys.argv[1]).from_pretrained(sys.argv[2])
        print(json.dumps([tokenizer(text).input_ids for text in json.load(open(sys.argv[2] + "/texts.json"))]))
        """
    try JSONEncoder().encode(texts).write(to: URL(fileURLWithPath: folder + "/texts.json"))
    let printed = try Python.run(script, [name, folder])
    return try JSONDecoder().decode([[Int]].self, from: Data(printed.utf8))
}
