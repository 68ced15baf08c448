import Foundation
import RandomNumbers
import TestSupport
import Testing

@testable import TextMetrics

/// A file that `make_caption_goldens.py` or `make_answer_goldens.py` wrote.
func captionGolden<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    let path = Project.root + "/Tests/Goldens/captions/" + name
    return try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path)))
}

@Suite("The words of captions") struct PTBTokenizerTests {
    private struct Row: Decodable {
        let caption: String
        let words: String
    }

    @Test("are those of the usual caption evaluation")
    func golden() throws {
        var tokenizer = PTBTokenizer()
        let rows: [Row] = try captionGolden("words.json")
        #expect(rows.count > 1000)
        for row in rows {
            let words = tokenizer.words(of: row.caption).joined(separator: " ")
            if !words.utf8.elementsEqual(row.words.utf8) {
                Issue.record("\(row.caption.debugDescription): \(words), not \(row.words)")
            }
        }
    }

    @Test("are Penn Treebank tokens in lower case, without marks")
    func words() {
        var tokenizer = PTBTokenizer()
        #expect(tokenizer.words(of: "A man's dog, isn't it?") == ["a", "man", "'s", "dog", "is", "n't", "it"])
        #expect(
            tokenizer.words(of: "Mr. Smith (cannot) go...") == ["mr.", "smith", "-lrb-", "can", "not", "-rrb-", "go"])
        #expect(tokenizer.words(of: "") == [] && tokenizer.words(of: " . , ; : ? ! -- ' \"") == [])
    }

    @Test(
        "go on behind a line separator of any kind",
        arguments: ["\n", "\r\n", "\r", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}"])
    func lineSeparator(_ separator: String) {
        var tokenizer = PTBTokenizer()
        #expect(tokenizer.words(of: "a red\(separator)dog.") == ["a", "red", "dog"])
    }

    @Test("are found in text of any kind, in time that grows with its length")
    func anything() {
        var (tokenizer, random) = (PTBTokenizer(), SplitMix64(seed: 7))
        for _ in 0..<300 {
            let scalars = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...(Bool.random(using: &random) ? 0x7f : 0x2ffff), using: &random))
            }
            let words = tokenizer.words(of: String(String.UnicodeScalarView(scalars)))
            #expect(!words.contains { $0.isEmpty || $0.contains(" ") }, "seed 7: \(words)")
        }
        for unit in ["a", "'", "-", "<a ", "1 ", "a@", "www.", "&amp;", "😀", "\u{301}"] {
            _ = tokenizer.words(of: String(repeating: unit, count: 2000))
        }
    }
}

@Suite("Patterns of which the longest match wins") struct LongestMatchTests {
    private func match(_ patterns: [String], _ text: String) -> [Int]? {
        var matcher = LongestMatch(patterns)
        return matcher.match(Array(text.utf16), at: 0).map { [$0.pattern, $0.length] }
    }

    @Test("prefer the longer match, and of equal ones the first pattern")
    func longest() {
        #expect(match(["ab", "a+b", "abc?"], "abcd") == [2, 3])
        #expect(match(["ab", "a+b"], "ab") == [0, 2] && match(["a+b", "ab"], "ab") == [0, 2])
        #expect(match(["b"], "ab") == nil && match(["a*"], "b") == nil)
    }

    @Test("repeat, choose, negate and count")
    func operators() {
        #expect(match(["(ab|c){2,3}d?"], "abcabcd") == [0, 5])
        #expect(match(["[^a-c]+"], "xyzab") == [0, 3] && match(["[a\\-z]+"], "a-z!") == [0, 3])
        #expect(match(["x{2}"], "xxx") == [0, 2] && match(["x{2,}"], "xxxy") == [0, 3])
        #expect(match(["the"], "THE") == [0, 3] && match(["[t]he"], "The") == nil)
        #expect(match(["\\l+"], "naïve猫1") == [0, 6] && match(["\\d+"], "1२x") == [0, 2])
    }
}
