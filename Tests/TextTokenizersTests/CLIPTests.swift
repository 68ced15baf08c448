import Testing
import TextTokenizers

@Suite("The CLIP tokenizer") struct CLIPTests {
    private static let folder = GoldenText.folder + "/clip"

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
        let rows = try GoldenText.all()
        for row in rows { #expect(tokenizer.encode(row.text) == row.web, "\(row.shown)") }
        let unlike = rows.filter { $0.web != $0.openai }.map(\.text)
        #expect(unlike == ["cafÃ© au lait", "itâ€™s fine", "âœ” No problems", "schÃ¶n", "l’humanitÃ©"])
    }

    @Test("cuts a long text and ends it all the same", arguments: [2, 3, 77])
    func truncation(_ contextLength: Int) throws {
        let tokenizer = try CLIPTokenizer(directory: Self.folder, contextLength: contextLength)
        let ids = tokenizer.encode(String(repeating: "the dog ", count: 100))
        #expect(ids.count == contextLength && ids.first == tokenizer.startID && ids.last == tokenizer.endID)
        #expect(tokenizer.encode("") == [tokenizer.startID, tokenizer.endID])
    }

    @Test(
        "reads back what it wrote, but for tags, behind which it leaves more as it is",
        arguments: [CLIPTokenizer.Cleaning.web, .plain])
    func decodedAgain(_ cleaning: CLIPTokenizer.Cleaning) throws {
        let tokenizer = try CLIPTokenizer(directory: Self.folder, contextLength: 100_000, cleaning: cleaning)
        for text in try GoldenText.all().map(\.text) + randomTexts(seed: 2, count: 200) {
            let ids = tokenizer.encode(text)
            let again = tokenizer.decode(ids, skipSpecialTokens: true)
            let isSpecial = ids.dropFirst().dropLast().contains { $0 == tokenizer.startID || $0 == tokenizer.endID }
            guard !isSpecial, !again.contains("<") else { continue }
            #expect(tokenizer.encode(again) == ids, "seed 2, \(again)")
        }
    }

    @Test("takes long texts of anything", arguments: longTexts)
    func longText(_ text: LongText) throws {
        for cleaning in [CLIPTokenizer.Cleaning.web, .plain] {
            let tokenizer = try CLIPTokenizer(directory: Self.folder, cleaning: cleaning)
            #expect(tokenizer.encode(text.text).last == tokenizer.endID)
        }
    }
}
