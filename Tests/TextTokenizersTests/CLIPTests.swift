import Foundation
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

    @Test("gives the ids of openai/CLIP with cleaning", arguments: ["clip", "clip-lists"])
    func web(_ name: String) throws {
        let tokenizer = try CLIPTokenizer(directory: GoldenText.folder + "/" + name)
        for row in try GoldenText.all() { #expect(tokenizer.encode(row.text) == row.openai, "\(row.shown)") }
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
        let folder = try Self.unlimitedFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tokenizer = try CLIPTokenizer(directory: folder, contextLength: 100_000, cleaning: cleaning)
        for text in try GoldenText.all().map(\.text) + randomTexts(seed: 2, count: 200) {
            let ids = tokenizer.encode(text)
            let again = tokenizer.decode(ids, skipSpecialTokens: true)
            let isSpecial = ids.dropFirst().dropLast().contains { $0 == tokenizer.startID || $0 == tokenizer.endID }
            guard !isSpecial, !again.contains("<") else { continue }
            #expect(tokenizer.encode(again) == ids, "seed 2, \(again)")
        }
    }

    /// The tokenizer's files without their `model_max_length`.
    private static func unlimitedFolder() throws -> String {
        let copy = NSTemporaryDirectory() + "/clip-" + UUID().uuidString
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        let path = copy + "/tokenizer_config.json"
        let config = try String(contentsOfFile: path, encoding: .utf8)
        try config.replacing(/"model_max_length": *77,?/, with: "").write(
            toFile: path, atomically: true, encoding: .utf8)
        return copy
    }

    @Test("takes no more ids than the tokenizer's files allow")
    func modelMaxLength() throws {
        let tokenizer = try CLIPTokenizer(directory: Self.folder, contextLength: 1000)
        #expect(tokenizer.encode(String(repeating: "the dog ", count: 100)).count == 77)
    }

    @Test("takes long texts of anything", arguments: longTexts)
    func longText(_ text: LongText) throws {
        for cleaning in [CLIPTokenizer.Cleaning.web, .plain] {
            let tokenizer = try CLIPTokenizer(directory: Self.folder, cleaning: cleaning)
            #expect(tokenizer.encode(text.text).last == tokenizer.endID)
        }
    }
}
