import Foundation

/// What the reference code makes of one text; `Tests/Goldens/tokenizers/make.py` writes it.
struct GoldenText: Decodable {
    struct Tokens: Decodable {
        let ids: [Int]
        let decoded: String
        let plain: String
    }

    let text: String
    let bert: Tokens
    let bertLists: Tokens
    let bertCased: Tokens
    let clip: Tokens
    /// The ids of openai/CLIP.
    let openai: [Int]

    private enum CodingKeys: String, CodingKey {
        case text, bert, clip, openai
        case bertLists = "bert-lists"
        case bertCased = "bert-cased"
    }

    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Goldens/tokenizers").path

    static func all() throws -> [GoldenText] {
        let file = URL(fileURLWithPath: folder + "/golden.json")
        return try JSONDecoder().decode([GoldenText].self, from: Data(contentsOf: file))
    }

    /// The text as it can stand in a message.
    var shown: String { text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
}

extension String {
    /// Whether both have the same scalars; `==` also takes equivalent ones for equal.
    func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
