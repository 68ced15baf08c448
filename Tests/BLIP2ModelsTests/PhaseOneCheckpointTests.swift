import BLIP2Models
import Foundation
import Layers
import ModelDescriptions
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("Checkpoints of phase 1")
struct PhaseOneCheckpointTests {
    private let even = PhaseOneGolden(directory: Project.root + "/Tests/Goldens/blip2/even")
    private let bert = Project.root + "/Tests/Goldens/blip2/bert"

    private func write(
        _ parameters: [String: Tensor], _ layout: PhaseOneLayout, to folder: String
    ) throws -> Checkpoint {
        try writeSafetensors(layout.tensors(parameters), to: folder + "/model.safetensors")
        return try Checkpoint(directory: folder)
    }

    @Test(
        "are written and read in the hub's layout and in LAVIS's, bit for bit", arguments: [PhaseOneLayout.hub, .lavis])
    func roundTrip(layout: PhaseOneLayout) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tensors = try even.tensors()
        let checkpoint = try write(tensors, layout, to: folder)
        #expect(PhaseOneLayout(of: checkpoint) == layout)
        let read = try PhaseOneStart.model(checkpoint).tensors(even.configuration())
        #expect(read.keys.sorted() == tensors.keys.sorted())
        for (name, tensor) in tensors { #expect(try read[name]?.bytes() == tensor.bytes(), "\(name)") }
    }

    @Test("have LAVIS's names")
    func names() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let names = try Set(write(even.tensors(), .lavis, to: folder).names)
        let cross = "Qformer.bert.encoder.layer.0.crossattention."
        let expected = [
            "query_tokens", "temp", "ln_vision.weight", "ln_vision.bias", "vision_proj.weight", "text_proj.bias",
            "itm_head.weight", "Qformer.bert.embeddings.word_embeddings.weight",
            "Qformer.bert.embeddings.position_embeddings.weight", "Qformer.bert.embeddings.LayerNorm.weight",
            "Qformer.bert.encoder.layer.1.attention.self.query.weight",
            "Qformer.bert.encoder.layer.1.attention.output.dense.weight",
            "Qformer.bert.encoder.layer.1.attention.output.LayerNorm.bias", cross + "self.key.weight",
            cross + "output.dense.bias", cross + "output.LayerNorm.weight",
            "Qformer.bert.encoder.layer.2.intermediate_query.dense.weight",
            "Qformer.bert.encoder.layer.2.output_query.LayerNorm.weight",
            "Qformer.bert.encoder.layer.2.intermediate.dense.weight", "Qformer.cls.predictions.bias",
            "Qformer.cls.predictions.decoder.weight", "Qformer.cls.predictions.decoder.bias",
            "Qformer.cls.predictions.transform.dense.weight", "Qformer.cls.predictions.transform.LayerNorm.weight",
        ]
        for name in expected { #expect(names.contains(name), "\(name)") }
        #expect(names.allSatisfy { !$0.contains("qformer.") && !$0.contains("projection") })
    }

    @Test("transformers loads one that was written here, and its similarities and logits are the same within 1e-4")
    func transformers() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (configuration, model) = (try even.configuration(), try even.model())
        let encoder = try configuration.encoder.hubTensors(of: model)
        try writeSafetensors(PhaseOneLayout.hub.tensors(even.tensors()) + encoder, to: folder + "/model.safetensors")
        try configuration.json().write(to: URL(fileURLWithPath: folder + "/config.json"))
        #expect(
            try BLIP2Configuration(json: Data(contentsOf: URL(fileURLWithPath: folder + "/config.json")))
                == configuration)
        let script = """
            import json, sys, torch
            from safetensors.torch import load_file
            from transformers import Blip2ForImageTextRetrieval
            golden = load_file(sys.argv[2])
            model, report = Blip2ForImageTextRetrieval.from_pretrained(sys.argv[1], output_loading_info=True)
            kept = ("cls.", "temp")
            assert not report["missing_keys"], report
            assert all(name.startswith(kept) for name in report["unexpected_keys"]), report
            pairs = golden["hf.itc_sim"].shape[0]
            inputs = dict(pixel_values=golden["pixel_values"][:pairs], input_ids=golden["input_ids"][:pairs],
                          attention_mask=golden["attention_mask"][:pairs])
            model = model.eval()
            with torch.no_grad():
                itc = model(**inputs, use_image_text_matching_head=False).logits_per_image
                itm = model(**inputs, use_image_text_matching_head=True).logits_per_image
            print(json.dumps([(itc - golden["hf.itc_sim"]).abs().max().item(),
                              (itm - golden["hf.itm_logits"]).abs().max().item()]))
            """
        let printed = try Python.run(script, [folder, even.directory + "/golden.safetensors"])
        let distances = try JSONDecoder().decode([Float].self, from: Data(printed.utf8))
        #expect(distances.allSatisfy { $0 <= 1e-4 }, "\(distances)")
    }

    @Test("start from a BERT: its words and layers, the queries' feed-forwards copied from the text's, the rest drawn")
    func fromBERT() throws {
        let configuration = try even.configuration()
        let checkpoint = try Checkpoint(directory: bert)
        #expect(PhaseOneLayout(of: checkpoint) == .bert)
        let tensors = try PhaseOneStart.bert(checkpoint, seed: 3).tensors(configuration)
        let layer = "qformer.encoder.layer.1."
        for (own, theirs) in [
            ("attention.attention.query.weight", "attention.self.query.weight"),
            ("intermediate.dense.weight", "intermediate.dense.weight"),
            ("intermediate_query.dense.weight", "intermediate.dense.weight"),
            ("output_query.LayerNorm.bias", "output.LayerNorm.bias"), ("output.dense.bias", "output.dense.bias"),
        ] {
            let expected = try checkpoint.tensor("bert.encoder.layer.1." + theirs)
            #expect(try tensors[layer + own]?.bytes() == expected.bytes(), "\(own)")
        }
        let words = try #require(tensors["embeddings.word_embeddings.weight"])
        let known = try checkpoint.tensor("bert.embeddings.word_embeddings.weight")
        #expect(words.shape[0] == known.shape[0] + 1)
        #expect(try words.narrowed(0, 0..<known.shape[0]).bytes() == known.bytes())
        let bias = try #require(tensors["cls.predictions.bias"])
        #expect(try bias.floats().last == 0)
        let cross = try #require(tensors["qformer.encoder.layer.0.crossattention.attention.key.weight"]).floats()
        let deviation = (cross.map { $0 * $0 }.reduce(0, +) / Float(cross.count)).squareRoot()
        #expect(abs(deviation - 0.02) < 0.002)
        #expect(try tensors["temp"]?.floats() == [0.07])
        let projection = try #require(tensors["vision_projection.weight"]).floats()
        let bound = 1 / Float(configuration.qformer.width).squareRoot()
        #expect(projection.allSatisfy { abs($0) <= bound } && projection.contains { abs($0) > 0.9 * bound })
        let again = try PhaseOneStart.bert(checkpoint, seed: 3).tensors(configuration)
        let other = try PhaseOneStart.bert(checkpoint, seed: 4).tensors(configuration)
        #expect(try again["query_tokens"]?.bytes() == tensors["query_tokens"]?.bytes())
        #expect(try other["query_tokens"]?.bytes() != tensors["query_tokens"]?.bytes())
        // The model that is made of them runs.
        _ = try PhaseOneModel(configuration, Weights(Parameters(tensors, on: .cpu)))
        _ = try PhaseOneModel(
            configuration, Weights(Parameters(PhaseOneStart.nothing(seed: 1).tensors(configuration), on: .cpu)))
    }

    @Test("have the sizes of the BERT that they start from, with a token more")
    func sizesOfBERT() throws {
        let json = try Data(contentsOf: URL(fileURLWithPath: bert + "/config.json"))
        let qformer = try QFormerConfiguration(bert: json)
        #expect(qformer.vocabulary == 41 && qformer.width == 24 && qformer.innerWidth == 40 && qformer.layers == 3)
        #expect(qformer.heads == 3 && qformer.positions == 16 && qformer.queries == 32 && qformer.crossFrequency == 2)
        let text = String(decoding: json, as: UTF8.self)
        for other in [text.replacing("\"bert\"", with: "\"roberta\""), text.replacing("use_cache", with: "use_magic")] {
            #expect(throws: ConfigurationError.self) { try QFormerConfiguration(bert: Data(other.utf8)) }
        }
    }

    @Test("start from transformers' retrieval model with the head of a BERT, which is asked for where it is missing")
    func withHead() throws {
        let (configuration, model) = (try even.configuration(), try even.model())
        #expect(throws: WeightsError.self) { try PhaseOneStart.model(model).tensors(configuration) }
        let checkpoint = try Checkpoint(directory: bert)
        let tensors = try PhaseOneStart.model(model, head: checkpoint).tensors(configuration)
        let name = "cls.predictions.transform.dense.weight"
        #expect(try tensors[name]?.bytes() == checkpoint.tensor(name).bytes())
        #expect(try tensors["query_tokens"]?.bytes() == model.tensor("query_tokens").bytes())
        #expect(throws: WeightsError.self) { try PhaseOneStart.model(checkpoint).tensors(configuration) }
    }

    @Test("with a tensor that is none of the model's, or with a copy that is none, are refused by its name")
    func unknownTensors() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (configuration, tensors) = (try even.configuration(), try even.tensors())
        let path = folder + "/model.safetensors"
        func start(_ layout: PhaseOneLayout, _ name: String, _ tensor: Tensor) throws {
            let own = layout.tensors(tensors).filter { $0.name != name }
            let other = PendingTensor(name: name, dtype: tensor.dtype, shape: tensor.shape) { try tensor.bytes() }
            try writeSafetensors(own + [other], to: path)
            _ = try PhaseOneStart.model(Checkpoint(file: path)).tensors(configuration)
        }
        let one = try Tensor([1] as [Float], shape: [1])
        for harmless in ["Qformer.bert.embeddings.position_ids", "visual_encoder.cls_token"] {
            try start(.lavis, harmless, one)
        }
        for (layout, name) in [
            (PhaseOneLayout.lavis, "Qformer.bert.pooler.dense.weight"), (.lavis, "momentum"), (.lavis, "temperature"),
            (.lavis, "Qformer.bert.encoder.layer.9.attention.self.query.weight"), (.hub, "language_projection.weight"),
            (.hub, "qformer.encoder.layer.9.attention.attention.query.weight"), (.hub, "ln_vision.weight"),
        ] {
            let error = #expect(throws: WeightsError.self) { try start(layout, name, one) }
            #expect(error?.key == name && error?.code == .unexpected && error?.file == path, "\(name)")
        }
        let words = try #require(tensors["embeddings.word_embeddings.weight"])
        let untied = #expect(throws: WeightsError.self) {
            try start(.lavis, "Qformer.cls.predictions.decoder.weight", words + words)
        }
        #expect(untied?.message.contains("copy") == true)
    }

    @Test("of LAVIS's, without a description, have the sizes that their tensors show")
    func sizesOfLAVIS() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var expected = try even.configuration()
        (expected.qformer.width, expected.qformer.heads, expected.qformer.innerWidth) = (64, 1, 96)
        let tensors = try PhaseOneStart.nothing(seed: 1).tensors(expected)
        let checkpoint = try write(tensors, .lavis, to: folder)
        var found = try BLIP2Configuration(lavis: checkpoint, encoder: expected.encoder)
        (found.qformer.hiddenDropout, found.qformer.attentionDropout) = (0, 0)
        #expect(found == expected)
        let narrow = try write(even.tensors(), .lavis, to: folder)
        let width = #expect(throws: WeightsError.self) {
            try BLIP2Configuration(lavis: narrow, encoder: expected.encoder)
        }
        #expect(width?.message.contains("64 wide") == true)
        let missing = #expect(throws: WeightsError.self) {
            try BLIP2Configuration(lavis: even.model(), encoder: expected.encoder)
        }
        #expect(missing?.code == .missing)
    }

    @Test("a description with another model, a width that does not fit, or an unknown key is refused")
    func descriptions() throws {
        let json = try String(contentsOfFile: even.directory + "/config.json", encoding: .utf8)
        for (key, other) in [
            ("\"model_type\": \"blip-2\"", "\"model_type\": \"blip\""),
            ("\"encoder_hidden_size\": 32", "\"encoder_hidden_size\": 40"),
            ("\"num_query_tokens\": 4", "\"num_query_tokens\": 4, \"some_scale\": 2"),
            ("\"hidden_dropout_prob\": 0.0", "\"hidden_dropout_prob\": 1.5"),
            ("\"qkv_bias\": true", "\"qkv_bias\": false"),
        ] {
            #expect(json.contains(key))
            #expect(throws: ConfigurationError.self, "\(other)") {
                try BLIP2Configuration(json: Data(json.replacing(key, with: other).utf8))
            }
        }
        let paper = BLIP2Configuration.vitG14
        #expect(try BLIP2Configuration(json: paper.json()) == paper)
        #expect(try BLIP2Configuration(json: BLIP2Configuration.vitL14.json()) == .vitL14)
        #expect(paper.startToken == 30522)
    }

    @Test("the paper's sizes have the paper's parameters", arguments: [(BLIP2Configuration.vitG14, 186_705_470)])
    func sizes(configuration: BLIP2Configuration, count: Int) throws {
        let recording = Weights.recording()
        _ = try PhaseOneModel(configuration, recording)
        // LAVIS logs this number; it counts the temperature too.
        #expect(recording.recorded.reduce(0) { $0 + $1.shape.reduce(1, *) } == count)
    }
}
