import Foundation
import RandomNumbers
import TestSupport
import Testing

@testable import TextTokenizers

/// What transformers makes of one text; `Tests/Goldens/tokenizers/language.py` writes it.
struct LanguageRow: Decodable {
    struct Other: Decodable {
        let ids: [Int]
        let decoded: String
        let plain: String
    }

    struct Tokens: Decodable {
        let ids: [Int]
        let decoded: String
        let plain: String
        /// Ids drawn at random.
        let others: Other
    }

    let text: String
    let tokens: [String: Tokens]

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        text = try container.decode(String.self, forKey: Key(stringValue: "text"))
        var tokens: [String: Tokens] = [:]
        for key in container.allKeys where key.stringValue != "text" {
            tokens[key.stringValue] = try container.decode(Tokens.self, forKey: key)
        }
        self.tokens = tokens
    }

    static func all(_ path: String) throws -> [LanguageRow] {
        try JSONDecoder().decode([LanguageRow].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    var shown: String { String(text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined().prefix(200)) }

    /// Expects that `tokenizer`, called `name` in the row, gives the same ids and the same texts.
    func expectSame(_ tokenizer: any LanguageTokenizer, _ name: String) throws {
        let expected = try #require(tokens[name])
        let ids = tokenizer.encode(text)
        if ids != expected.ids { Issue.record("\(name): \(shown): \(ids), not \(expected.ids)") }
        for (ids, decoded, plain) in [
            (expected.ids, expected.decoded, expected.plain),
            (expected.others.ids, expected.others.decoded, expected.others.plain),
        ] {
            for (isSkipping, text) in [(false, decoded), (true, plain)] {
                let made = tokenizer.decode(ids, skipSpecialTokens: isSkipping)
                if !made.isExactly(text) { Issue.record("\(name): \(shown), \(ids): \(made), not \(text)") }
            }
        }
    }
}

@Suite("The tokenizers of language models") struct LanguageTokenizerTests {
    private static func tokenizer(_ name: String) throws -> any LanguageTokenizer {
        try loadLanguageTokenizer(directory: GoldenText.folder + "/" + name)
    }

    @Test("give the ids and texts of transformers", arguments: ["opt", "opt-lists", "t5-lists"])
    func golden(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        let rows = try LanguageRow.all(GoldenText.folder + "/language.json")
        #expect(rows.count > 200)
        for row in rows { try row.expectSame(tokenizer, name) }
    }

    /// GPT-2's vocabulary, and pieces trained on Python's source: UNIGRAM_PIECES sets how many.
    @Test("give the ids and texts of transformers with large vocabularies, of 2,000 texts")
    func real() throws {
        let folder = try Project.temporaryFolder("vocabularies")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pieces = ProcessInfo.processInfo.environment["UNIGRAM_PIECES"] ?? "4000"
        try Python.run(file: GoldenText.folder + "/language.py", ["real", folder, pieces])
        let rows = try LanguageRow.all(folder + "/rows.json")
        #expect(rows.count == 2000)
        for name in ["gpt2", "gpt2-lists", "t5", "t5-lists"] {
            let tokenizer = try loadLanguageTokenizer(directory: folder + "/" + name)
            // The two forms of a tokenizer's files differ in how they are read, not in what is done.
            for row in name.hasSuffix("-lists") ? rows : Array(rows.prefix(300)) { try row.expectSame(tokenizer, name) }
        }
    }

    @Test("put special tokens where the models expect them")
    func special() throws {
        let opt = try Self.tokenizer("opt")
        #expect(opt.encode("") == [2] && opt.frame == TokenFrame(first: [2], last: []))
        #expect(opt.endID == 2 && opt.paddingID == 1 && opt.id(of: "</s>") == 2 && opt.id(of: "<unknown>") == nil)
        #expect(opt.encode("a<image>b").dropFirst().contains(opt.idLimit - 1) && opt.isSpecial(opt.idLimit - 1))
        let t5 = try Self.tokenizer("t5-lists")
        #expect(t5.encode("") == [1] && t5.endID == 1 && t5.paddingID == 0 && t5.frame.last == [1])
        #expect(t5.id(of: "<extra_id_0>") == t5.idLimit - 1 && t5.id(of: "<extra_id_99>") == t5.idLimit - 100)
        #expect(t5.encode("<extra_id_0>") == [t5.idLimit - 1, 1] && t5.longestText == 512)
    }

    @Test("a newline is a token of its own, and a space behind a prompt is one until a word follows")
    func prompts() throws {
        let opt = try Self.tokenizer("opt")
        let newline = opt.pieces(of: "\n")
        #expect(newline.count == 1 && opt.pieces(of: "a dog\n") == opt.pieces(of: "a dog") + newline)
        #expect(opt.pieces(of: "a photo of ").count == opt.pieces(of: "a photo of").count + 1)
        #expect(opt.pieces(of: "a photo of the dog").starts(with: opt.pieces(of: "a photo of")))
        #expect(!opt.pieces(of: "a photo of the dog").starts(with: opt.pieces(of: "a photo of ")))
    }

    @Test("cut a long text at its end and keep the special tokens", arguments: ["opt", "t5-lists"])
    func limit(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        let whole = tokenizer.encode("a picture of a dog running on the beach while two children play")
        let cut = tokenizer.encode("a picture of a dog running on the beach while two children play", limit: 8)
        #expect(cut.count == 8 && cut.starts(with: tokenizer.frame.first))
        #expect(cut.suffix(tokenizer.frame.last.count).elementsEqual(tokenizer.frame.last))
        #expect(cut.prefix(8 - tokenizer.frame.last.count).elementsEqual(whole.prefix(8 - tokenizer.frame.last.count)))
        #expect(tokenizer.encode("a picture", limit: 1) == tokenizer.frame.first + tokenizer.frame.last)
    }

    @Test("give text as it comes, in whole characters", arguments: ["opt", "t5-lists"])
    func stream(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        for row in try LanguageRow.all(GoldenText.folder + "/language.json") {
            let ids = try #require(row.tokens[name]).ids
            var stream = TextStream(tokenizer, skipSpecialTokens: true)
            var parts = ids.map { stream.append($0) }
            parts.append(stream.finish())
            #expect(parts.joined().isExactly(tokenizer.decode(ids, skipSpecialTokens: true)), "\(row.shown)")
            if !row.text.contains("\u{fffd}") {
                #expect(!parts.dropLast().joined().contains("\u{fffd}"), "\(row.shown)")
            }
        }
        var stream = TextStream(tokenizer, skipSpecialTokens: true)
        let face = tokenizer.pieces(of: "😀").filter { !tokenizer.isSpecial($0) }
        #expect(face.dropLast().map { stream.append($0) }.joined() == "")
        let cut = stream.finish()
        #expect(cut == (face.count > 1 ? "\u{fffd}" : ""))
        #expect(stream.append(-1) == "" && stream.append(1 << 40) == "")
    }

    @Test("hold back no byte that cannot become a character")
    func brokenBytes() throws {
        struct Bytes: LanguageTokenizer {
            var (endID, paddingID, idLimit, longestText) = (256, 256, 257, Int.max)
            var frame = TokenFrame(first: [], last: [])
            func pieces(of text: String) -> [Int] { text.utf8.map(Int.init) }
            func id(of token: String) -> Int? { nil }
            func isSpecial(_ id: Int) -> Bool { id == 256 }
            func bytes(of id: Int, isFirst: Bool) -> [UInt8]? { UInt8(exactly: id).map { [$0] } }
        }
        var random = SplitMix64(seed: 11)
        let common: [UInt8] = [
            0x41, 0x80, 0xbf, 0xc1, 0xc3, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xa0, 0x9f, 0x90, 0x8f,
        ]
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...8, using: &random)).map { _ in common.randomElement(using: &random) ?? 0
            }
            var stream = TextStream(Bytes(), skipSpecialTokens: true)
            let parts = bytes.map { stream.append(Int($0)) }
            #expect((parts.joined() + stream.finish()).isExactly(String(decoding: bytes, as: UTF8.self)), "\(bytes)")
        }
        var stream = TextStream(Bytes(), skipSpecialTokens: true)
        #expect([0xe0, 0x80].map { stream.append($0) } == ["", "\u{fffd}\u{fffd}"])
        #expect([0xf0, 0x9f, 0x98, 0x80].map { stream.append($0) } == ["", "", "", "😀"])
    }

    @Test("take long texts of anything", arguments: longTexts)
    func longText(_ text: LongText) throws {
        for name in ["opt", "t5-lists"] { #expect(try !Self.tokenizer(name).encode(text.text).isEmpty) }
    }
}
