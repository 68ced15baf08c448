import Testing
import TextTokenizers

@Suite("The BERT tokenizer") struct BERTWordPieceTests {
    private typealias Column = KeyPath<GoldenText, GoldenText.Tokens> & Sendable

    @Test("gives the reference's ids and texts", arguments: ["bert", "bert-lists", "bert-cased"])
    func golden(_ name: String) throws {
        let columns: [String: any Column] = ["bert": \.bert, "bert-lists": \.bertLists, "bert-cased": \.bertCased]
        let column = try #require(columns[name])
        let tokenizer = try BERTWordPieceTokenizer(directory: GoldenText.folder + "/" + name)
        for row in try GoldenText.all() {
            let expected = row[keyPath: column]
            #expect(tokenizer.encode(row.text) == expected.ids, "\(row.shown)")
            #expect(
                tokenizer.decode(expected.ids, skipSpecialTokens: false).isExactly(expected.decoded), "\(row.shown)")
            #expect(tokenizer.decode(expected.ids, skipSpecialTokens: true).isExactly(expected.plain), "\(row.shown)")
        }
    }

    @Test("knows its special tokens by name")
    func specialTokens() throws {
        let tokenizer = try BERTWordPieceTokenizer(directory: GoldenText.folder + "/bert")
        #expect(tokenizer.id(of: "[CLS]") == tokenizer.classifierID && tokenizer.classifierID == 2)
        #expect(tokenizer.id(of: "[SEP]") == tokenizer.separatorID && tokenizer.separatorID == 3)
        #expect(tokenizer.id(of: "[DEC]") == 253 && tokenizer.id(of: "[ENC]") == 254)
        #expect(tokenizer.id(of: "[NONE]") == nil)
        #expect(tokenizer.encode("") == [2, 3])
    }

    @Test("says nothing for ids that it does not know, as captioners use ids of their own")
    func unknownIDs() throws {
        let tokenizer = try BERTWordPieceTokenizer(directory: GoldenText.folder + "/bert")
        let ids = tokenizer.encode("a picture of a dog")
        let text = tokenizer.decode([30522, -1] + ids + [1 << 40], skipSpecialTokens: true)
        #expect(text == "a picture of a dog")
    }

    @Test("reads back what it wrote, without unknown words")
    func decodedAgain() throws {
        let tokenizer = try BERTWordPieceTokenizer(directory: GoldenText.folder + "/bert")
        for text in try GoldenText.all().map(\.text) + randomTexts(seed: 1, count: 200) {
            let once = tokenizer.decode(tokenizer.encode(text), skipSpecialTokens: true)
            let twice = tokenizer.decode(tokenizer.encode(once), skipSpecialTokens: true)
            #expect(twice.isExactly(once), "seed 1, \(once)")
        }
    }

    @Test("takes long texts of anything", arguments: longTexts)
    func longText(_ text: LongText) throws {
        let ids = try BERTWordPieceTokenizer(directory: GoldenText.folder + "/bert").encode(text.text)
        #expect(ids.first == 2 && ids.last == 3)
    }
}
