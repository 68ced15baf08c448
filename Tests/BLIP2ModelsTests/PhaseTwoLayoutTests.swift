import BLIP2Models
import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite("Checkpoints of a BLIP-2 with a language model")
struct PhaseTwoLayoutTests {
    @Test(
        "written by transformers and by LAVIS are the same model by the hub's names, as safetensors, shards, .bin and .pth",
        arguments: LanguageModelFamily.allCases)
    func read(family: LanguageModelFamily) throws {
        let folder = try Project.temporaryFolder("read\(family)")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script =
            LayoutScripts.tiny + LayoutScripts.lavis + """
                folder, kind = sys.argv[1:]
                model = model(opt if kind == "opt" else t5)
                model.save_pretrained(folder + "/whole")
                model.save_pretrained(folder + "/sharded", max_shard_size="20KB")
                state = model.state_dict()
                os.mkdir(folder + "/bin"), os.mkdir(folder + "/bins"), os.mkdir(folder + "/lavis")
                torch.save(state, folder + "/bin/pytorch_model.bin")
                names, parts = list(state), {}
                for number in range(3):
                    part = f"pytorch_model-{number + 1:05}-of-00003.bin"
                    own = names[number::3]
                    parts.update({name: part for name in own})
                    torch.save({name: state[name] for name in own}, f"{folder}/bins/{part}")
                with open(folder + "/bins/pytorch_model.bin.index.json", "w") as out:
                    json.dump({"metadata": {"total_size": 1}, "weight_map": parts}, out)
                torch.save({"model": {lavis(name, kind): value for name, value in state.items()}, "epoch": 9},
                           folder + "/lavis/checkpoint_9.pth")
                """
        try Python.run(script, [folder, family.rawValue])
        let whole = try Checkpoint(directory: folder + "/whole")
        #expect(PhaseTwoLayout(of: whole) == .hub)
        let copies = family.copies.keys.map { "language_model." + $0 }
        #expect(whole.names.allSatisfy { !copies.contains($0) })
        for name in ["sharded", "bin", "bins", "lavis"] {
            let stored = try Checkpoint(directory: "\(folder)/\(name)")
            let layout = try #require(PhaseTwoLayout(of: stored))
            #expect(layout == (name == "lavis" ? .lavis(family) : .hub))
            let checkpoint = try layout.hubCheckpoint(of: stored)
            let (known, encoder) = (Set(whole.names), checkpoint.names.filter { $0.hasPrefix("visual_encoder.") })
            #expect(encoder.isEmpty == (name != "lavis"))
            let all = Set(checkpoint.names).subtracting(encoder).subtracting(copies)
            #expect(all == known.filter { encoder.isEmpty || !PhaseTwoLayout.isFrozen($0) || $0.hasPrefix("language") })
            for key in all { #expect(try checkpoint.tensor(key).bytes() == whole.tensor(key).bytes(), "\(key)") }
            // The image encoder has a layout of its own.
            let configuration = try BLIP2Configuration(
                json: Data(contentsOf: URL(fileURLWithPath: folder + "/whole/config.json")))
            for pending in try configuration.encoder.hubTensors(of: checkpoint) {
                #expect(try pending.bytes() == whole.tensor(pending.name).bytes(), "\(pending.name)")
            }
        }
    }

    @Test(
        "written here are loaded by transformers without a missing or an unexpected tensor, in shards, with the same logits",
        arguments: LanguageModelFamily.allCases)
    func write(family: LanguageModelFamily) throws {
        let folder = try Project.temporaryFolder("write\(family)")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let save =
            LayoutScripts.tiny + """
                folder, kind = sys.argv[1:]
                model = model(opt if kind == "opt" else t5)
                model.save_pretrained(folder + "/theirs")
                model.language_model.config.save_pretrained(folder + "/text")
                """
        try Python.run(save, [folder, family.rawValue])
        let theirs = try Checkpoint(directory: folder + "/theirs")
        let configuration = try BLIP2Configuration(
            json: Data(contentsOf: URL(fileURLWithPath: folder + "/theirs/config.json")))
        let encoder = try configuration.encoder.hubTensors(of: theirs)
        let frozen = Set(encoder.map(\.name))
        var own: [String: Tensor] = [:]
        for name in theirs.names where !frozen.contains(name) { own[name] = try theirs.tensor(name) }
        // A copy is not written again.
        for (copy, source) in family.copies {
            own["language_model." + copy] = try theirs.tensor("language_model." + source)
        }
        try FileManager.default.createDirectory(atPath: folder + "/ours", withIntermediateDirectories: true)
        let tensors = PhaseTwoLayout.hub.tensors(own, family) + encoder
        try writeWeights(tensors, to: folder + "/ours", shardByteCount: 20_000)
        try configuration.json(
            languageModel: Data(contentsOf: URL(fileURLWithPath: folder + "/text/config.json")), family, imageToken: 58,
            hasOwnHead: family == .t5
        ).write(to: URL(fileURLWithPath: folder + "/ours/config.json"))
        let load = """
            import os, sys, torch
            from transformers import Blip2ForConditionalGeneration
            folder = sys.argv[1]
            assert len([name for name in os.listdir(folder + "/ours") if "-of-" in name]) > 5
            both = []
            for name in ("theirs", "ours"):
                model, report = Blip2ForConditionalGeneration.from_pretrained(f"{folder}/{name}", output_loading_info=True)
                assert not report["missing_keys"] and not report["unexpected_keys"], report
                assert not report["mismatched_keys"], report
                both.append(model.eval())
            theirs, ours = (model.state_dict() for model in both)
            assert theirs.keys() == ours.keys()
            assert all(torch.equal(theirs[name], ours[name]) for name in theirs)
            ids = torch.tensor([[58] * 4 + [2, 7, 9]])
            inputs = dict(pixel_values=torch.ones(1, 3, 28, 28), input_ids=ids, attention_mask=torch.ones_like(ids))
            if not both[0].config.use_decoder_only_language_model: inputs["decoder_input_ids"] = torch.tensor([[0, 5]])
            with torch.no_grad():
                one, two = (model(**inputs).logits for model in both)
            assert torch.equal(one, two) and one.isfinite().all(), (one - two).abs().max()
            """
        try Python.run(load, [folder])
    }

    @Test("of the published sizes: every name becomes LAVIS's and comes back, and every name of LAVIS's is known")
    func publishedNames() throws {
        let script =
            LayoutScripts.tiny + LayoutScripts.lavis + """
                big = dict(
                    opt=OPTConfig(hidden_size=2560, num_hidden_layers=32, ffn_dim=10240, num_attention_heads=32,
                                  word_embed_proj_dim=2560),
                    t5=T5Config(d_model=2048, d_kv=64, d_ff=5120, num_layers=24, num_heads=32,
                                feed_forward_proj="gated-gelu"))
                for kind, text in big.items():
                    with torch.device("meta"):
                        names = list(Blip2ForConditionalGeneration(Blip2Config(text_config=text.to_dict())).state_dict())
                    print("\\n".join(f"{kind} {name} {lavis(name, kind)}" for name in names))
                """
        let lines = try Python.run(script, []).split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        #expect(lines.count > 2200)
        for line in lines {
            let (family, hub, own) = (try #require(LanguageModelFamily(rawValue: line[0])), line[1], line[2])
            let layout = PhaseTwoLayout.lavis(family)
            #expect(PhaseTwoLayout.hub.name(hub) == hub && PhaseTwoLayout.hub.hubName(hub) == hub)
            if own.hasPrefix("visual_encoder.") {
                #expect(layout.hubName(own) == own && PhaseTwoLayout.isFrozen(hub))
            } else {
                #expect(layout.name(hub) == own && layout.hubName(own) == hub)
                #expect(PhaseTwoLayout.isFrozen(hub) == hub.hasPrefix("language_model."))
            }
        }
    }

    @Test("with a key that no BLIP-2 has are refused by its own name; tables of positions' numbers are not")
    func unknownKeys() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let one = try Tensor([1] as [Float], shape: [1])
        let path = folder + "/model.safetensors"
        let known = ["opt_proj.weight": one, "query_tokens": one, "Qformer.bert.embeddings.position_ids": one]
        try writeSafetensors(known, to: path)
        let checkpoint = try Checkpoint(file: path)
        let hub = try PhaseTwoLayout.lavis(.opt).hubCheckpoint(of: checkpoint)
        #expect(hub.names == ["language_projection.weight", "query_tokens"])
        // What a model makes of it names the file's own key.
        let shape = #expect(throws: WeightsError.self) {
            try Weights(hub, DType.float32, on: .cpu).tensor("language_projection.weight", [2])
        }
        #expect(shape?.key == "opt_proj.weight" && shape?.file == path)
        for strange in ["t5_proj.weight", "Qformer.bert.pooler.dense.weight", "qformer.layernorm.weight", "momentum"] {
            try writeSafetensors(known.merging([strange: one]) { $1 }, to: path)
            let other = try Checkpoint(file: path)
            let error = #expect(throws: WeightsError.self) { try PhaseTwoLayout.lavis(.opt).hubCheckpoint(of: other) }
            #expect(error?.key == strange && error?.code == .unexpected)
        }
    }
}
