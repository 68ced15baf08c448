import Foundation
import TestSupport
import Testing
import TextTokenizers

@Suite("A vocabulary with [DEC] as its last token") struct StartTokenTests {
    private static func folder() throws -> String { try Project.temporaryFolder("start-token") }

    @Test("is BERT's with one token more, and cuts texts as before", arguments: ["bert", "bert-cased"])
    func written(_ name: String) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let source = GoldenText.folder + "/" + name
        let (vocabulary, before) = (
            try StartTokenVocabulary(directory: source), try BERTWordPieceTokenizer(directory: source)
        )
        try vocabulary.write(to: folder)
        let tokenizer = try BERTWordPieceTokenizer(directory: folder)
        #expect(tokenizer.idLimit == vocabulary.count && tokenizer.id(of: "[DEC]") == vocabulary.count - 1)
        #expect(vocabulary.count == (before.id(of: "[DEC]") ?? before.idLimit) + 1)
        #expect(tokenizer.id(of: "[ENC]") == nil)
        for row in try GoldenText.all() where !row.text.contains("[ENC]") && !row.text.contains("[DEC]") {
            #expect(tokenizer.encode(row.text) == before.encode(row.text), "\(row.shown)")
        }
        // Written again from what was written it is the same.
        #expect(try StartTokenVocabulary(directory: folder).text == vocabulary.text)
    }

    @Test("is that of the demonstration's captioner without [ENC]")
    func demonstration() throws {
        let source = Project.root + "/models/demo-captioner"
        let (vocabulary, captioner) = (
            try StartTokenVocabulary(directory: source), try BERTWordPieceTokenizer(directory: source)
        )
        #expect(vocabulary.count == captioner.idLimit - 1 && vocabulary.text.hasSuffix("\n[DEC]\n"))
    }

    @Test("is not made of one with words behind [DEC]")
    func wordsBehind() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n[DEC]\ncat\n".write(
            toFile: folder + "/vocab.txt", atomically: true, encoding: .utf8)
        let error = #expect(throws: TokenizerError.self) { try StartTokenVocabulary(directory: folder) }
        #expect(error.map { "\($0)".contains("cat comes behind [DEC]") } == true)
    }
}
