import Foundation
import Testing
import TextTokenizers

@Suite("The CLIP tokenizer") struct CLIPTests {
    @Test("gives the ids and texts of transformers without cleaning", arguments: ["clip", "clip-lists"])
    func plain(_ name: String) throws {
        let tokenizer = try CLIPTokenizer(directory: GoldenText.folder + "/" + name, cleaning: .plain)
        for row in try GoldenText.all() {
            let expected = row.clip
            #expect(tokenizer.encode(row.text) == expected.ids, "\(row.shown)")
            #expect(
                tokenizer.decode(expected.ids, skipSpecialTokens: false).isExactly(expected.decoded), "\(row.shown)")
            #expect(tokenizer.decode(expected.ids, skipSpecialTokens: true).isExactly(expected.plain), "\(row.shown)")
        }
    }

    @Test(
        "gives the ids of openai/CLIP with cleaning, but for wrongly decoded text", arguments: ["clip", "clip-lists"])
    func web(_ name: String) throws {
        let tokenizer = try CLIPTokenizer(directory: GoldenText.folder + "/" + name)
        for row in try GoldenText.all() { #expect(tokenizer.encode(row.text) == row.web, "\(row.shown)") }
    }
}
