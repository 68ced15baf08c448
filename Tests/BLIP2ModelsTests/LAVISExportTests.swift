import BLIP2Models
import Foundation
import Layers
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("Models written for LAVIS")
struct LAVISExportTests {
    /// The tensors of the model in the folder `model`, written to `path` and read again.
    private func export(_ model: String, hasLanguageModel: Bool, to path: String) throws -> Checkpoint {
        let json = try Data(contentsOf: URL(fileURLWithPath: model + "/config.json"))
        let (export, checkpoint) = (
            try LAVISExport(json: json, hasLanguageModel: hasLanguageModel), try Checkpoint(directory: model)
        )
        let tensors = try export.tensors(of: checkpoint).merging(export.imageEncoder(of: checkpoint)) { one, _ in one }
        try writeTorchFile(tensors, under: "model", to: path)
        return try Checkpoint(file: path)
    }

    @Test("have LAVIS's names and transformers' values, without the language model", arguments: ["opt", "t5"])
    func names(kind: String) throws {
        let folder = try Project.temporaryFolder("lavis" + kind)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // EVA's keys have no bias; transformers keeps one for all three in its place.
        let save =
            LayoutScripts.tiny + """
                folder, kind = sys.argv[1:]
                model = model(opt if kind == "opt" else t5)
                for name, value in model.named_parameters():
                    if name.endswith("qkv.bias"):
                        with torch.no_grad(): value.view(3, -1)[[0, 2]] = torch.randn(2, value.numel() // 3)
                model.save_pretrained(folder)
                """
        try Python.run(save, [folder, kind])
        _ = try export(folder, hasLanguageModel: true, to: folder + "/ours.pth")
        let compare =
            LayoutScripts.tiny + LayoutScripts.lavis + """
                folder, kind = sys.argv[1:]
                theirs = Blip2ForConditionalGeneration.from_pretrained(folder).state_dict()
                expected = {}
                for name, value in theirs.items():
                    if name.startswith("language_model."): continue
                    own = lavis(name, kind)
                    if own.endswith("attn.qkv.bias"):
                        query, key, value = value.chunk(3)
                        assert query.abs().min() > 0 and key.abs().max() == 0
                        expected[own.replace("qkv.bias", "q_bias")] = query
                        own = own.replace("qkv.bias", "v_bias")
                    expected[own] = value
                ours = torch.load(folder + "/ours.pth", weights_only=True)["model"]
                assert ours.keys() == expected.keys(), ours.keys() ^ expected.keys()
                assert len([name for name in ours if name.endswith("_bias")]) == 4
                for name, value in expected.items():
                    assert ours[name].dtype == value.dtype and torch.equal(ours[name], value), name
                """
        try Python.run(compare, [folder, kind])
    }

    @Test("of phase 1 are read again as LAVIS's, bit for bit, with the head's copies")
    func phaseOne() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let even = PhaseOneGolden(directory: Project.root + "/Tests/Goldens/blip2/even")
        let (configuration, tensors) = (try even.configuration(), try even.tensors())
        let encoder = try configuration.encoder.hubTensors(of: even.model())
        try writeSafetensors(PhaseOneLayout.hub.tensors(tensors) + encoder, to: folder + "/model.safetensors")
        try configuration.json().write(to: URL(fileURLWithPath: folder + "/config.json"))
        let exported = try export(folder, hasLanguageModel: false, to: folder + "/ours.pth")
        #expect(PhaseOneLayout(of: exported) == .lavis)
        #expect(exported.shape(of: "Qformer.cls.predictions.decoder.weight") != nil)
        let read = try PhaseOneStart.model(exported).tensors(configuration)
        #expect(read.keys.sorted() == tensors.keys.sorted())
        for (name, tensor) in tensors { #expect(try read[name]?.bytes() == tensor.bytes(), "\(name)") }
        try expectSameEncoder(exported, even.model(), configuration)
    }

    @Test("behind CLIP's image encoder have its queries, keys and values as one")
    func clip() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let model = Project.root + "/models/demo-blip2"
        let exported = try export(model, hasLanguageModel: true, to: folder + "/ours.pth")
        let configuration = try BLIP2Configuration(json: Data(contentsOf: URL(fileURLWithPath: model + "/config.json")))
        let width = configuration.encoder.vision.width
        let block = "visual_encoder.transformer.resblocks.0.attn."
        #expect(exported.shape(of: block + "in_proj_weight") == [3 * width, width])
        #expect(exported.shape(of: block + "in_proj_bias") == [3 * width])
        try expectSameEncoder(exported, Checkpoint(directory: model), configuration)
    }

    /// Expects the encoders of both to be the same, but for a bias of keys, which LAVIS has not and which changes nothing.
    private func expectSameEncoder(
        _ one: Checkpoint, _ other: Checkpoint, _ configuration: BLIP2Configuration
    ) throws {
        let (own, wanted) = (
            try configuration.encoder.hubTensors(of: one), try configuration.encoder.hubTensors(of: other)
        )
        #expect(own.map(\.name) == wanted.map(\.name) && own.map(\.dtype) == wanted.map(\.dtype))
        for (own, wanted) in zip(own, wanted) {
            var (bytes, expected) = (try own.bytes(), try wanted.bytes())
            if own.name.hasSuffix("qkv.bias") {
                let keys = bytes.count / 3..<2 * bytes.count / 3
                #expect(bytes[keys].allSatisfy { $0 == 0 })
                bytes.removeSubrange(keys)
                expected.removeSubrange(keys)
            }
            #expect(bytes == expected, "\(own.name)")
        }
    }

    @Test("of the paper's sizes differ from LAVIS's in CLIP's blocks alone, and in what reads questions")
    func differences() throws {
        #expect(LAVISExport.phaseOne(.vitG14).differences.isEmpty)
        #expect(
            LAVISExport.phaseOne(.vitL14).differences.map { "\($0.what): \($0.here), \($0.there)" } == [
                "blocks of the image encoder: 23, 21"
            ])
        let json = try Data(contentsOf: URL(fileURLWithPath: Project.root + "/models/demo-blip2/config.json"))
        var configuration = try PhaseTwoConfiguration(json: json)
        (configuration.vision, configuration.readsText) = (.vitG14, true)
        #expect(LAVISExport.phaseTwo(configuration).differences.map(\.here) == ["questions"])
    }

    @Test("are refused where a tensor is missing or one too many, by its name")
    func incomplete() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let model = Project.root + "/models/demo-blip2"
        let whole = try Checkpoint(directory: model)
        let json = try Data(contentsOf: URL(fileURLWithPath: model + "/config.json"))
        let export = try LAVISExport(json: json, hasLanguageModel: true)
        for name in ["query_tokens", "language_projection.bias"] {
            let error = #expect(throws: WeightsError.self) {
                try export.tensors(of: whole.renamed { $0 == name ? nil : $0 })
            }
            #expect(error?.key == name && error?.code == .missing)
        }
        let strange = whole.renamed { $0 == "query_tokens" ? "momentum" : $0 }
        let error = #expect(throws: WeightsError.self) { try export.tensors(of: strange) }
        #expect(error?.key == "momentum" && error?.code == .unexpected)
        let added = whole.renamed { $0 == "language_model.lm_head.weight" ? nil : $0 }
        #expect(throws: Never.self) { try export.tensors(of: added) }
        // Layer 1 has cross-attention, which the description no longer says.
        let text = String(decoding: json, as: UTF8.self)
        let other = text.replacing(/"cross_attention_frequency" *: *1/, with: "\"cross_attention_frequency\": 2")
        try #require(other != text)
        let fewer = try LAVISExport(json: Data(other.utf8), hasLanguageModel: true)
        let left = #expect(throws: WeightsError.self) { try fewer.tensors(of: whole) }
        #expect(left?.key.contains("layer.1.crossattention") == true && left?.code == .unexpected, "\(left as Any)")
        let encoder = "vision_model.encoder.layers.0.mlp.fc1.weight"
        let missing = #expect(throws: WeightsError.self) {
            try export.imageEncoder(of: whole.renamed { $0 == encoder ? nil : $0 })
        }
        #expect(missing?.key == encoder)
    }
}
