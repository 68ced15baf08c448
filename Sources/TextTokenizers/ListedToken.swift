/// An added token as a file lists it.
struct ListedToken {
    let content: [UInt8]
    let id: Int
    /// Looked for in normalised text, not in the raw one.
    let isNormalized: Bool
    /// Left out of decoded text on request.
    let isSpecial: Bool
    /// Takes the white space in front of it, or behind it, as its own.
    var takesSpace = (before: false, behind: false)
    /// Found only where no letter or number stands beside it.
    var isSingleWord = false

    init(content: [UInt8], id: Int, isNormalized: Bool, isSpecial: Bool) {
        (self.content, self.id, self.isNormalized, self.isSpecial) = (content, id, isNormalized, isSpecial)
    }

    /// What the first file that lists added tokens says: `tokenizer.json`, `tokenizer_config.json`, `added_tokens.json`.
    static func all(in files: TokenizerFiles) throws(TokenizerError) -> [ListedToken] {
        if let list = files.tokenizer?["added_tokens"]?.array {
            return try list.map { entry throws(TokenizerError) in
                try ListedToken(entry, id: entry["id"]?.tokenID, file: files.path("tokenizer.json"))
            }
        }
        if let members = files.config?["added_tokens_decoder"]?.members {
            return try members.map { member throws(TokenizerError) in
                let number = Double(String(decoding: member.key, as: UTF8.self)).map(JSONValue.number)
                let id = number?.tokenID
                return try ListedToken(member.value, id: id, file: files.path("tokenizer_config.json"))
            }
        }
        return try (files.json("added_tokens.json")?.members ?? []).map { member throws(TokenizerError) in
            guard let id = member.value.tokenID else {
                let path = files.path("added_tokens.json")
                throw TokenizerError(.malformed, path, "want a whole number as the id of each token")
            }
            return ListedToken(content: member.key, id: id, isNormalized: true, isSpecial: false)
        }
    }

    private init(_ value: JSONValue, id: Int?, file: String) throws(TokenizerError) {
        guard let content = value["content"]?.string, let id else {
            throw TokenizerError(.malformed, file, "want content and a whole number as id of each added token")
        }
        self.init(
            content: content, id: id, isNormalized: value["normalized"]?.bool ?? true,
            isSpecial: value["special"]?.bool ?? false)
        takesSpace = (value["lstrip"]?.bool ?? false, value["rstrip"]?.bool ?? false)
        isSingleWord = value["single_word"]?.bool ?? false
    }
}
