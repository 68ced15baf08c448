import Files
import Foundation

/// The tokenizer's files of a model directory, in the model hub's layout.
struct TokenizerFiles {
    private let directory: String
    /// `tokenizer.json`, which holds everything but defaults; nil where a directory has only the older files.
    let tokenizer: JSONValue?
    /// `tokenizer_config.json`.
    let config: JSONValue?
    private let specialTokensMap: JSONValue?

    init(directory: String) throws(TokenizerError) {
        self.directory = directory
        tokenizer = try Self.json(directory + "/tokenizer.json")
        config = try Self.json(directory + "/tokenizer_config.json")
        specialTokensMap = try Self.json(directory + "/special_tokens_map.json")
    }

    /// The path of the file `name`.
    func path(_ name: String) -> String { directory + "/" + name }

    /// The bytes of the file `name`; nil where there is none.
    func bytes(_ name: String) throws(TokenizerError) -> [UInt8]? { try Self.bytes(path(name)) }

    /// The value in the JSON file `name`; nil where there is none.
    func json(_ name: String) throws(TokenizerError) -> JSONValue? { try Self.json(path(name)) }

    /// The error of a directory that has no tokenizer.
    func missing(_ names: String) -> TokenizerError {
        TokenizerError(.unreadable, directory, "has neither tokenizer.json nor \(names); fetch the model again")
    }

    /// The vocabulary in `tokenizer.json`, whose model must be a `type`; nil where there is no such file.
    func vocabulary(type: String) throws(TokenizerError) -> Vocabulary? {
        guard let model = tokenizer.map({ $0["model"] ?? .null }) else { return nil }
        if let found = model["type"]?.string, !found.elementsEqual(type.utf8) {
            let name = String(decoding: found, as: UTF8.self)
            throw TokenizerError(.malformed, path("tokenizer.json"), "its model is \(name), not \(type)")
        }
        guard let members = model["vocab"]?.members else {
            throw TokenizerError(.malformed, path("tokenizer.json"), "want tokens and ids at model.vocab")
        }
        return try Vocabulary(members, file: path("tokenizer.json"))
    }

    /// The text of the special token `key`, such as `cls_token`; nil where no file names one.
    func specialToken(_ key: String) -> [UInt8]? {
        Self.content(config?[key]) ?? Self.content(specialTokensMap?[key])
    }

    /// The text of the special token `key`, which must be in `vocabulary` or among the added tokens.
    func specialToken(
        _ key: String, default text: String, in vocabulary: Vocabulary
    ) throws(TokenizerError) -> [UInt8] {
        let content = specialToken(key) ?? Array(text.utf8)
        guard vocabulary.ids[content] != nil || isAdded(content) else {
            let name = String(decoding: content, as: UTF8.self)
            throw TokenizerError(
                .missingToken, directory, "no \(name) (\(key)) in the vocabulary; fetch the model again")
        }
        return content
    }

    /// The texts of the special tokens that have no key of their own.
    func extraSpecialTokens() -> [[UInt8]] {
        [config, specialTokensMap].compactMap { $0 }.flatMap { file in
            ["extra_special_tokens", "additional_special_tokens"].flatMap { key in
                (file[key]?.array ?? file[key]?.members?.map(\.value) ?? []).compactMap(Self.content)
            }
        }
    }

    private func isAdded(_ content: [UInt8]) -> Bool {
        let added = tokenizer?["added_tokens"]?.array ?? config?["added_tokens_decoder"]?.members?.map(\.value)
        return added?.contains { $0["content"]?.string == content } == true
    }

    /// A token as configurations write it: its text, or an object that has it as `content`.
    private static func content(_ value: JSONValue?) -> [UInt8]? {
        let text = value?.string ?? value?["content"]?.string
        return text?.isEmpty == false ? text : nil
    }

    private static func bytes(_ path: String) throws(TokenizerError) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TokenizerError(.unreadable, path, "not a file, or permission denied")
        }
        guard !GitLFSPointer.begins(data) else { throw TokenizerError(.malformed, path, GitLFSPointer.advice) }
        return [UInt8](data)
    }

    private static func json(_ path: String) throws(TokenizerError) -> JSONValue? {
        guard let bytes = try bytes(path) else { return nil }
        do {
            return try JSONReader.read(bytes)
        } catch {
            throw TokenizerError(.malformed, path, "line \(error.line): want \(error.want); fetch the model again")
        }
    }
}
