import Foundation
import RandomNumbers
import Testing

@testable import TextTokenizers

@Suite("Tokenizer files") struct TokenizerFilesTests {
    private static func folder(_ files: [String: String]) throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/tokenizer-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name)) }
        return path
    }

    private static func fault(_ files: [String: String], clip: Bool) throws -> TokenizerError? {
        let folder = try folder(files)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let error = #expect(throws: TokenizerError.self) {
            if clip {
                _ = try CLIPTokenizer(directory: folder)
            } else {
                _ = try BERTWordPieceTokenizer(directory: folder)
            }
        }
        return error.map { TokenizerError($0.code, $0.file.replacingOccurrences(of: folder + "/", with: ""), $0.hint) }
    }

    @Test(
        "of BERT that are wrong are named with the place and what to do",
        arguments: [
            ["tokenizer.json": "{\"model\": {\n\"vocab\": {\"a\": 1,}}}"]:
                "tokenizer.json: malformed: line 2: want a key",
            ["tokenizer.json": ""]: "tokenizer.json: malformed: line 1: want a JSON value",
            ["tokenizer.json": "[]"]: "tokenizer.json: malformed: want tokens and ids at model.vocab",
            ["tokenizer.json": "{\"model\":{\"type\":\"BPE\"}}"]:
                "tokenizer.json: malformed: its model is BPE, not WordPiece",
            ["tokenizer.json": "{\"model\":{\"vocab\":{\"a\":-1}}}"]: "want a whole number as the id of \"a\"",
            ["vocab.txt": "[UNK]\n[SEP]\na\n"]: "no [CLS] (cls_token) in the vocabulary",
            ["vocab.txt": "[UNK]\n[CLS]\n[SEP]", "tokenizer_config.json": "{\"added_tokens_decoder\":{\"x\":{}}}"]:
                "tokenizer_config.json: malformed: want content",
        ])
    func malformedBERT(_ files: [String: String], _ message: String) throws {
        #expect(try Self.fault(files, clip: false)?.description.contains(message) == true)
    }

    @Test(
        "of CLIP that are wrong are named with the place and what to do",
        arguments: [
            ["vocab.json": "{\"a\":0}"]: "has neither tokenizer.json nor vocab.json with merges.txt",
            ["vocab.json": "[1]", "merges.txt": ""]: "vocab.json: malformed: want an object of tokens and ids",
            ["vocab.json": "{}", "merges.txt": "#version: 0.2\na b\nabc\n"]:
                "merges.txt: malformed: line 3: want two tokens",
            ["tokenizer.json": "{\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[[\"a\",5,\"b\"]]}}"]:
                "malformed: merge 1: want two tokens",
            ["vocab.json": "{}", "merges.txt": ""]: "no <|startoftext|> (bos_token) in the vocabulary",
            ["vocab.json": "{\"<|startoftext|>\":0,\"<|endoftext|>\":1,\"a\":2}", "merges.txt": "a a"]:
                "merges.txt: malformed: merge 1, a a, has a token that is not in the vocabulary",
        ])
    func malformedCLIP(_ files: [String: String], _ message: String) throws {
        #expect(try Self.fault(files, clip: true)?.description.contains(message) == true)
    }

    private static func refusal(_ files: [String: String]) throws -> String {
        let folder = try folder(files)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let error = #expect(throws: TokenizerError.self) { try loadLanguageTokenizer(directory: folder) }
        return error?.description.replacingOccurrences(of: folder + "/", with: "") ?? ""
    }

    @Test(
        "of language models that are wrong or ask for more are refused in one line",
        arguments: [
            ([:], "has neither tokenizer.json nor vocab.json with merges.txt, nor spiece.model"),
            (
                ["tokenizer_config.json": #"{"tokenizer_class":"LlamaTokenizer"}"#],
                "tokenizer_config.json: unsupported: tokenizer_class: LlamaTokenizer is not supported"
            ),
            (["tokenizer.json": #"{"model":{"type":"WordPiece"}}"#], "model.type: \"WordPiece\" is not supported"),
            (["vocab.json": "{}"], "has neither tokenizer.json nor vocab.json with merges.txt"),
            (["spiece.model": "not a model"], "spiece.model: malformed: not a SentencePiece model"),
            (["spiece.model": ""], "spiece.model: malformed: it has no pieces"),
            (["spiece.model": "\u{0a}\u{03}\u{0a}\u{01}a"], "no </s> (eos_token) in the vocabulary"),
            (["spiece.model": "\u{12}\u{02}\u{18}\u{02}"], "unsupported: model_type is 2, only 1 is supported"),
            (["spiece.model": "\u{1a}\u{02}\u{18}\u{00}"], "unsupported: add_dummy_prefix is 0, only 1"),
            (["spiece.model": "\u{0a}\u{02}\u{0a}\u{00}"], "malformed: not a SentencePiece model"),
            (
                [
                    "spiece.model": "",
                    "tokenizer_config.json": #"{"tokenizer_class":"T5Tokenizer","add_eos_token":false}"#,
                ],
                "add_eos_token: false is not supported, only true"
            ),
            (
                ["tokenizer.json": #"{"model":{"type":"Unigram","vocab":[["a",0],["b"]]}}"#],
                "tokenizer.json: malformed: model.vocab: piece 1: want a text and a score"
            ),
            (
                ["tokenizer.json": #"{"model":{"type":"Unigram","vocab":[]},"normalizer":{"type":"NFC"}}"#],
                "normalizer: \"NFC\" is not supported, only Precompiled"
            ),
            (
                [
                    "tokenizer.json": #"""
                    {"model":{"type":"Unigram","vocab":[]},"normalizer":{"type":"Precompiled",\#
                    "precompiled_charsmap":"/////w=="}}
                    """#
                ], "its table of characters is cut off"
            ),
            (
                ["tokenizer.json": #"{"model":{"type":"Unigram","vocab":[]},"pre_tokenizer":{"type":"Digits"}}"#],
                "pre_tokenizer: want WhitespaceSplit and Metaspace"
            ),
            (
                ["tokenizer.json": #"{"model":{"type":"BPE","vocab":{}},"pre_tokenizer":{"type":"Metaspace"}}"#],
                "pre_tokenizer.type: \"Metaspace\" is not supported, only \"ByteLevel\""
            ),
            (
                [
                    "tokenizer.json": #"""
                    {"model":{"type":"BPE","vocab":{"<|endoftext|>":0},"merges":[]},\#
                    "post_processor":{"type":"RobertaProcessing"}}
                    """#
                ], "post_processor: want TemplateProcessing or ByteLevel, not \"RobertaProcessing\""
            ),
        ])
    func refused(_ files: [String: String], _ message: String) throws {
        let refusal = try Self.refusal(files)
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test("of language models may give a token the white space around it")
    func spaceOfTokens() throws {
        let folder = try Self.folder([
            "vocab.json": #"{"<|endoftext|>":0,"a":1,"Ġ":2}"#, "merges.txt": "",
            "tokenizer_config.json": #"""
            {"added_tokens_decoder":{"3":{"content":"<l>","lstrip":true},"4":{"content":"<r>","rstrip":true}}}
            """#,
        ])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tokenizer = try loadLanguageTokenizer(directory: folder)
        #expect(tokenizer.encode("a  <l>  a") == [1, 3, 2, 2, 1])
        #expect(tokenizer.encode("a \u{3000}<r>\u{2003} a") == [1, 2, 4, 1])
        #expect(tokenizer.encode("<r>  <l>  ") == [4, 3, 2, 2])
    }

    @Test(
        "that are cut off or damaged anywhere load or throw", arguments: ["bert", "bert-lists", "clip", "clip-lists"])
    func damaged(_ name: String) throws {
        var random = SplitMix64(seed: 3)
        let source = GoldenText.folder + "/" + name
        let names = try FileManager.default.contentsOfDirectory(atPath: source).sorted()
        for round in 0..<60 {
            let folder = try Self.folder([:])
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let victim = names[round % names.count]
            for name in names {
                var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source + "/" + name)))
                if name == victim, round % 2 == 0 { bytes.removeLast(Int.random(in: 1...bytes.count, using: &random)) }
                if name == victim, round % 2 == 1 {
                    for _ in 0..<4 {
                        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
                    }
                }
                try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
            do throws(TokenizerError) {
                if name.hasPrefix("bert") {
                    _ = try BERTWordPieceTokenizer(directory: folder).encode("a dog's café 猫")
                } else {
                    _ = try CLIPTokenizer(directory: folder).encode("a dog's café 猫")
                }
            } catch {
                #expect(error.file.hasPrefix(folder) && !error.hint.isEmpty, "seed 3, round \(round)")
            }
        }
    }

    @Test("keep tokens apart that are canonically equivalent")
    func equivalentTokens() throws {
        let folder = try Self.folder([
            "tokenizer.json":
                "{\"model\":{\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"\u{e9}\":3,\"e\\u0301\":4}}}",
            "tokenizer_config.json": "{\"do_lower_case\":false}",
        ])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tokenizer = try BERTWordPieceTokenizer(directory: folder)
        #expect(tokenizer.encode("\u{e9}") == [1, 3, 2] && tokenizer.encode("e\u{301}") == [1, 4, 2])
    }

    @Test("may list added tokens in a file of their own")
    func addedTokensFile() throws {
        let folder = try Self.folder([
            "vocab.txt": "[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n", "added_tokens.json": "{\"[DEC]\": 7, \"[Enc]\": 8}",
            "special_tokens_map.json": "{\"bos_token\": {\"content\": \"[DEC]\"}}",
        ])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tokenizer = try BERTWordPieceTokenizer(directory: folder)
        #expect(tokenizer.encode("[DEC]a [ENC] a") == [1, 7, 3, 8, 3, 2])
        #expect(tokenizer.decode([7, 3, 8], skipSpecialTokens: true) == "a [Enc]")
    }

    @Test("in JSON may hold any escape, and nothing that JSON does not know")
    func json() throws {
        let text = #"{"a":[1,-2.5e1,true,false,null,"\u00e9\ud83d\ude00\ud800x\n\/\\\""],"b":{},"a":[]}"#
        let value = try JSONReader.read(Array(text.utf8))
        #expect(value["a"]?.array == [] && value["b"]?.members?.isEmpty == true)
        let first = try #require(value.members?.first?.value.array)
        #expect(first[5].string == Array("é😀\u{fffd}x\n/\\\"".utf8) && first[1] == .number(-25))
        for bad in ["", "{", "[1,]", "tru", "\"a", "\"\\x\"", "\"\\u12\"", "1 2", "-", "{\"a\" 1}", "{1:2}", "\"\n\""] {
            #expect(throws: JSONReader.Fault.self, "\(bad)") { try JSONReader.read(Array(bad.utf8)) }
        }
        let deep = Array(String(repeating: "[", count: 100_000).utf8)
        #expect(throws: JSONReader.Fault.self) { try JSONReader.read(deep) }
    }
}
