import Foundation
import ModelDescriptions
import Tensors
import Testing

@testable import LanguageModels

@Suite("Descriptions of language models")
struct ConfigurationTests {
    /// The description of `golden` with `changes`; nil removes a key.
    private func changed(_ golden: String, _ changes: [String: Any?]) throws -> Data {
        let json = try JSONSerialization.jsonObject(with: LanguageGolden(golden).json()) as? [String: Any]
        var values = try #require(json)
        for (key, value) in changes { values[key] = value }
        return try JSONSerialization.data(withJSONObject: values)
    }

    private func message(_ golden: String, _ changes: [String: Any?]) throws -> String? {
        let json = try changed(golden, changes)
        return #expect(throws: ConfigurationError.self) { try LanguageModelConfiguration(json: json) }?.description
    }

    @Test("what is not supported is refused with its key")
    func refused() throws {
        #expect(
            try message("opt", ["activation_function": "gelu"])
                == #"activation_function: "gelu" is not supported, only "relu""#)
        #expect(try message("opt", ["enable_bias": false])?.hasPrefix("enable_bias: false") == true)
        #expect(try message("opt", ["rope_theta": 10000])?.hasPrefix("rope_theta: 10000: unknown key") == true)
        #expect(try message("opt", ["num_attention_heads": 5])?.hasPrefix("num_attention_heads: 5") == true)
        #expect(try message("opt", ["no_repeat_ngram_size": 3])?.hasPrefix("no_repeat_ngram_size: 3") == true)
        #expect(try message("opt", ["eos_token_id": [2, 50118]]) == "eos_token_id: 2 tokens, not one")
        #expect(try message("t5", ["feed_forward_proj": "gated-silu"])?.hasPrefix("feed_forward_proj: ") == true)
        #expect(try message("t5", ["dense_act_fn": "silu"])?.hasPrefix("dense_act_fn: ") == true)
        #expect(try message("t5", ["model_type": "gpt2"])?.hasPrefix("model_type: ") == true)
        #expect(try message("t5", ["d_modell": 3])?.hasPrefix("d_modell: 3: unknown key") == true)
    }

    @Test("T5's function is what the file says last: exact GELU only where it says so")
    func functions() throws {
        func function(_ changes: [String: Any?]) throws -> Activation? {
            guard case .t5(let t5) = try LanguageModelConfiguration(json: changed("t5", changes)) else { return nil }
            return t5.activation
        }
        #expect(try function([:]) == .geluTanh)
        #expect(try function(["dense_act_fn": nil]) == .geluTanh)
        #expect(try function(["dense_act_fn": "gelu"]) == .gelu)
        #expect(try function(["feed_forward_proj": "relu", "dense_act_fn": nil, "is_gated_act": nil]) == .relu)
    }

    @Test("what OPT's file leaves out has transformers' values")
    func defaults() throws {
        let read = try OPTConfiguration(json: Data(#"{"model_type": "opt"}"#.utf8))
        #expect(read == OPTConfiguration())
        let small = try OPTConfiguration(json: Data(#"{"model_type": "opt", "hidden_size": 96}"#.utf8))
        #expect(small.wordWidth == 96)
        #expect(try T5Configuration(json: Data(#"{"model_type": "t5"}"#.utf8)) == T5Configuration())
    }

    @Test("a description that is written is read as the same", arguments: LanguageGolden.all)
    func written(golden: LanguageGolden) throws {
        switch try golden.configuration() {
        case .opt(let opt):
            let json = try JSONSerialization.data(withJSONObject: opt.values)
            #expect(try OPTConfiguration(json: json) == opt)
        case .t5(var t5):
            let json = try JSONSerialization.data(withJSONObject: t5.values)
            let read = try T5Configuration(json: json)
            // What was left open is said.
            t5.scalesOutput = t5.scalesOutput ?? t5.isTied
            #expect(read == t5)
        }
    }

    @Test("classes of distances are those of transformers")
    func buckets() throws {
        let golden = LanguageGolden.plainT5[0]
        for (name, looksAhead) in [("bucket_bidir", true), ("bucket_uni", false)] {
            let buckets = DistanceBuckets(count: 32, longest: 128, looksAhead: looksAhead)
            let made = try golden.tensor("rel").integers().map(buckets.bucket)
            #expect(try made == golden.tensor(name).integers(), "\(name)")
        }
    }
}
