import Foundation
import Testing
import TextTokenizers

@Suite("The BERT tokenizer") struct BERTWordPieceTests {
    @Test(
        "gives the reference's ids and texts",
        arguments: [("bert", \GoldenText.bert), ("bert-lists", \.bertLists), ("bert-cased", \.bertCased)]
            as [(String, any KeyPath<GoldenText, GoldenText.Tokens> & Sendable)])
    func golden(_ name: String, _ path: any KeyPath<GoldenText, GoldenText.Tokens> & Sendable) throws {
        let tokenizer = try BERTWordPieceTokenizer(directory: GoldenText.folder + "/" + name)
        for row in try GoldenText.all() {
            let expected = row[keyPath: path]
            #expect(tokenizer.encode(row.text) == expected.ids, "\(row.shown)")
            #expect(
                tokenizer.decode(expected.ids, skipSpecialTokens: false).isExactly(expected.decoded), "\(row.shown)")
            #expect(tokenizer.decode(expected.ids, skipSpecialTokens: true).isExactly(expected.plain), "\(row.shown)")
        }
    }
}
