import Foundation
import TestSupport
import Testing

/// Small runs of `blip2 train stage1` on a data set that the pipeline built.
private struct StageOneSite {
    let site: TrainingSite
    private let goldens = Project.root + "/Tests/Goldens/blip2"

    init() throws {
        site = try TrainingSite()
        try write("file.yaml")
    }

    var folder: String { site.folder }

    /// Writes a file of a training with a Q-Former of two layers, with `edits` made in it.
    func write(_ name: String, _ edits: [(String, String)] = []) throws {
        let yaml = """
            version: 1
            stage: 1
            image_encoder: {model: \(Project.root)/models/demo-ranker, precision: float32}
            start: {from: scratch, tokenizer: \(Project.root)/models/demo-captioner}
            qformer: {queries: 4, layers: 2, width: 32, heads: 2, positions: 40, joint_width: 16}
            data: {sets: [{path: \(site.folder)/data}]}
            images: {crop: {sides: 0.8}, flip: false}
            training: {steps: 12, batch_size: 8, learning_rate: 0.003, precision: float32}
            checkpoints: {every: 4}
            threads: 2
            """
        try edits.reduce(yaml) { $0.replacing($1.0, with: $1.1) }
            .write(toFile: "\(site.folder)/\(name)", atomically: true, encoding: .utf8)
    }

    /// A file whose start is the goldens' BERT, with a vocabulary for it, behind the goldens' image encoder.
    func writeFromBERT(_ name: String) throws {
        let words = ["a", "on", "the", "left", "right", "in", "of", "red", "blue", "green", "circle", "square", "ring"]
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words
        let rest = (tokens.count..<40).map { "word\($0)" }
        try FileManager.default.createDirectory(atPath: folder + "/words", withIntermediateDirectories: true)
        for (name, text) in [("vocab.txt", (tokens + rest).joined(separator: "\n")), ("config.json", "{}")] {
            try text.write(toFile: "\(folder)/words/\(name)", atomically: true, encoding: .utf8)
        }
        try write(
            name,
            [
                ("\(Project.root)/models/demo-ranker", goldens + "/even"),
                (
                    "from: scratch, tokenizer: \(Project.root)/models/demo-captioner",
                    "from: \(goldens)/bert, tokenizer: \(folder)/words"
                ),
                (
                    "queries: 4, layers: 2, width: 32, heads: 2, positions: 40, joint_width: 16",
                    "queries: 4, joint_width: 10"
                ),
                ("threads: 2", "threads: 2\ncaptions: {max_tokens: 16}"),
            ])
    }

    func arguments(_ output: String, _ more: [String] = [], config: String = "file.yaml") -> [String] {
        ["train", "stage1", "--config", "\(folder)/\(config)", "--output", "\(folder)/\(output)"] + more
    }

    func train(_ output: String, _ more: [String] = [], config: String = "file.yaml") throws -> Program.Ended {
        try Program.run(Site.blip2, arguments(output, more, config: config))
    }
}

@Suite("blip2 train stage1", .serialized) struct StageOneTests {
    @Test("killed at any moment and started again, with dropout: the same losses, the same weights")
    func resumption() throws {
        let site = try StageOneSite()
        let whole = try site.train("whole")
        try #require(whole.status == 0, "\(whole.errors)")
        let losses = try site.site.losses("whole")
        #expect(losses.count == 12 && Set(losses).count == 12)
        var kills = 0
        for _ in 0..<2 {
            let run = try Program(Site.blip2, site.arguments("killed"))
            let goal = (try? site.site.losses("killed").count) ?? 0
            _ = eventually { !run.isRunning || ((try? site.site.losses("killed").count) ?? 0) > goal + 1 }
            kills += run.isRunning ? 1 : 0
            run.signal(SIGKILL)
            _ = run.wait()
        }
        #expect(kills > 0, "every run ended before it was killed")
        // The resolved file is a file like others, and says the output too.
        let resumed = try Program.run(Site.blip2, ["train", "stage1", "--config", site.folder + "/killed/config.yaml"])
        try #require(resumed.status == 0, "\(resumed.errors)")
        #expect(try site.site.losses("killed") == losses)
        #expect(try site.site.contents("killed/model.safetensors") == site.site.contents("whole/model.safetensors"))
        #expect(try site.site.contents("killed/start/start.json") == site.site.contents("whole/start/start.json"))
    }

    @Test("goes on with other settings of where and how, and not with others: it says which")
    func otherSettings() throws {
        let site = try StageOneSite()
        try #require(site.train("run").status == 0)
        let moved = try site.train("run", ["--accumulate", "2", "--threads", "1"])
        #expect(moved.status == 0, "\(moved.errors)")
        for (options, message) in [
            (["--learning-rate", "0.5"], "training.learning_rate: 0.5, not 0.003"),
            (["--seed", "7"], "seed: 7, not 42"),
            (["--dropout", "0"], "qformer.dropout: 0, not 0.1"), (["--steps", "14"], "training.steps: 14, not 12"),
            (["--data", site.folder + "/data", "--batch-size", "4"], "training.batch_size: 4, not 8"),
        ] {
            let other = try site.train("run", options)
            #expect(other.status == 65 && other.errors.contains("other_options"), "\(other.errors)")
            #expect(other.errors.contains(message), "\(other.errors)")
        }
        // Without a checkpoint the start still is another one's.
        try FileManager.default.removeItem(atPath: site.folder + "/run/checkpoints")
        let seeded = try site.train("run", ["--seed", "7"])
        #expect(seeded.status == 65 && seeded.errors.contains("seed: 7, not 42"), "\(seeded.errors)")
    }

    @Test("faults of the file and of what it names are one line that says where")
    func faults() throws {
        let site = try StageOneSite()
        for (edit, status, message) in [
            (("steps: 12", "stepps: 12"), 65, "bad.yaml: unknown-key: line 8: training.stepps: did you mean steps?"),
            (
                ("models/demo-ranker", "models/none"), 65,
                "image_encoder.model: \(Project.root)/models/none: missing_file"
            ),
            (("models/demo-captioner}", "models/demo-ranker}"), 65, "models/demo-ranker"),
            (("images: {", "images: {size: 71, "), 65, "images.size: want a multiple of"),
            (("from: scratch,", "from: \(Project.root)/models/demo-ranker,"), 65, "only with start.from: scratch"),
            (("/data}]}", "/nothing}]}"), 65, "nothing/dataset.json: dataset: no such file"),
            (("data: {sets: [{path: \(site.folder)/data}]}\n", ""), 64, "--data: "),
        ] {
            try site.write("bad.yaml", [edit])
            let ended = try site.train("bad", config: "bad.yaml")
            #expect(Int(ended.status) == status && ended.errors.contains(message), "\(ended.status): \(ended.errors)")
            #expect(ended.errors.hasPrefix("error: ") && ended.errors.count { $0 == "\n" } == 1, "\(ended.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: site.folder + "/bad"), "a fault of the file writes nothing")
    }

    @Test("starts from a BERT, then from the model that came of it; transformers loads that")
    func starts() throws {
        let site = try StageOneSite()
        try site.writeFromBERT("bert.yaml")
        let first = try site.train("first", config: "bert.yaml")
        try #require(first.status == 0, "\(first.errors)")
        #expect(try String(contentsOfFile: site.folder + "/first/vocab.txt", encoding: .utf8).hasSuffix("\n[DEC]\n"))
        try site.write(
            "more.yaml",
            [
                ("\(Project.root)/models/demo-ranker", site.folder + "/first"),
                ("from: scratch, tokenizer: \(Project.root)/models/demo-captioner", "from: \(site.folder)/first"),
                ("qformer: {queries: 4, layers: 2, width: 32, heads: 2, positions: 40, joint_width: 16}\n", ""),
                ("threads: 2", "threads: 2\ncaptions: {max_tokens: 16}"),
            ])
        let more = try site.train("more", ["--steps", "2"], config: "more.yaml")
        try #require(more.status == 0, "\(more.errors)")
        let (before, after) = (try site.site.losses("first"), try site.site.losses("more"))
        #expect(before.count == 12 && after.count == 2)
        let script = """
            import sys
            from transformers import AutoTokenizer, Blip2ForImageTextRetrieval, Blip2Config
            model, report = Blip2ForImageTextRetrieval.from_pretrained(sys.argv[1], output_loading_info=True)
            assert not report["missing_keys"], report
            assert all(name.startswith(("cls.", "temp")) for name in report["unexpected_keys"]), report
            tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
            print(tokenizer.convert_tokens_to_ids("[DEC]"), len(tokenizer), model.config.qformer_config.vocab_size)
            """
        let loaded = try Python.run(script, [site.folder + "/more"])
        #expect(loaded == "40 41 41\n")
    }

    @Test("starts from LAVIS's .pth file, or a folder with it, which PyTorch wrote: the same model, by other names")
    func startsFromLAVIS() throws {
        let site = try StageOneSite()
        let wide = ("layers: 2, width: 32, heads: 2", "layers: 2, width: 64, heads: 1")
        try site.write("wide.yaml", [wide])
        let first = try site.train("first", config: "wide.yaml")
        try #require(first.status == 0, "\(first.errors)")
        let script = """
            import os, sys, torch
            from safetensors.torch import load_file
            first, out = sys.argv[1:]
            renames = {"vision_projection.": "vision_proj.", "text_projection.": "text_proj.", "embeddings.": "Qformer.bert.embeddings.",
                       "vision_model.post_layernorm.": "ln_vision.", "qformer.layernorm.": "Qformer.bert.embeddings.LayerNorm.",
                       "qformer.encoder.": "Qformer.bert.encoder.", "cls.": "Qformer.cls."}
            model = {}
            for name, value in load_file(first + "/model.safetensors").items():
                if name.startswith("vision_model.") and "post_layernorm" not in name: continue
                for old, new in renames.items():
                    if name.startswith(old):
                        name = new + name[len(old):].replace("attention.attention.", "attention.self.")
                        break
                model[name] = value
            model["Qformer.bert.embeddings.position_ids"] = torch.arange(40)[None]
            model["Qformer.cls.predictions.decoder.weight"] = model["Qformer.bert.embeddings.word_embeddings.weight"]
            model["Qformer.cls.predictions.decoder.bias"] = model["Qformer.cls.predictions.bias"]
            os.mkdir(out)
            torch.save({"model": model, "config": {"run": {"lr": 1e-4}}, "epoch": 3}, out + "/checkpoint_3.pth")
            """
        let lavis = site.folder + "/lavis"
        try Python.run(script, [site.folder + "/first", lavis])
        func start(_ from: String, tokenizer: String, to output: String = "more") throws -> Program.Ended {
            let scratch = "from: scratch, tokenizer: \(Project.root)/models/demo-captioner"
            let sizes = "qformer: {queries: 4, layers: 2, width: 32, heads: 2, positions: 40, joint_width: 16}\n"
            try site.write("more.yaml", [(scratch, "from: \(from)\(tokenizer)"), (sizes, "")])
            return try site.train(output, ["--steps", "2"], config: "more.yaml")
        }
        let words = ", tokenizer: \(Project.root)/models/demo-captioner"
        let without = try start(lavis + "/checkpoint_3.pth", tokenizer: "")
        #expect(without.status == 65 && without.errors.contains("start.tokenizer: add it"), "\(without.errors)")
        #expect(without.errors.count { $0 == "\n" } == 1)
        let file = try start(lavis + "/checkpoint_3.pth", tokenizer: words)
        try #require(file.status == 0, "\(file.errors)")
        let compare = """
            import sys, torch
            from safetensors.torch import load_file
            first, start = load_file(sys.argv[1] + "/model.safetensors"), load_file(sys.argv[2] + "/model.safetensors")
            assert all(torch.equal(first[name], value) for name, value in start.items())
            frozen = [name for name in first if name not in start]
            assert all(name.startswith("vision_model.") for name in frozen), frozen
            """
        try Python.run(compare, [site.folder + "/first", site.folder + "/more/start"])
        let folder = try start(lavis, tokenizer: words, to: "again")
        #expect(folder.status == 0, "\(folder.errors)")
        let weights = "start/model.safetensors"
        #expect(try site.site.contents("again/" + weights) == site.site.contents("more/" + weights))
    }

    @Test("two processes have the losses of one, to rounding; warned by SIGUSR1 they stop with 75, and one goes on")
    func processes() throws {
        let site = try StageOneSite()
        func losses(_ output: String) throws -> [Double] {
            try site.site.losses(output).map { Double($0.split(separator: " ")[1]) ?? .nan }
        }
        let alone = try site.train("alone")
        try #require(alone.status == 0, "\(alone.errors)")
        let together = try site.train("together", ["--processes", "2"])
        try #require(together.status == 0, "\(together.errors)")
        #expect(together.output == site.folder + "/together\n", "one process speaks for all: \(together.output)")
        for (one, two) in zip(try losses("alone"), try losses("together")) { #expect(abs(one - two) < 1e-3 * one) }
        let run = try Program(Site.blip2, site.arguments("warned", ["--processes", "2", "--steps", "2000"]))
        #expect(eventually { ((try? site.site.losses("warned").count) ?? 0) > 2 || !run.isRunning })
        run.signal(SIGUSR1)
        #expect(run.wait().status == 75)
        let steps = try site.site.losses("warned").count
        let kept = try FileManager.default.contentsOfDirectory(atPath: site.folder + "/warned/checkpoints").sorted()
        #expect(kept.last?.hasSuffix("\(steps)") == true, "\(kept) after \(steps) steps")
        let single = try Program(Site.blip2, site.arguments("warned", ["--steps", "2000"]))
        #expect(eventually { ((try? site.site.losses("warned").count) ?? 0) > steps + 1 || !single.isRunning })
        single.signal(SIGUSR1)
        let ended = single.wait()
        #expect(ended.status == 75 && ended.errors.contains("resumed after step \(steps)"), "\(ended.errors)")
        let few = try site.train("few", ["--processes", "9"])
        #expect(few.status == 64 && few.errors.contains("--batch-size: want at least 9"), "\(few.errors)")
    }

    @Test("--check learns one batch by heart")
    func check() throws {
        let site = try StageOneSite()
        let checked = try site.train("check", ["--check", "--batch-size", "4"])
        #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
        #expect(checked.output.hasSuffix("check passed: one batch is learned by heart\n"), "\(checked.output)")
        #expect(!FileManager.default.fileExists(atPath: site.folder + "/check/checkpoints"))
        let short = try site.train("check", ["--check", "--batch-size", "4", "--steps", "3"])
        #expect(short.status == 1 && short.output.contains("check failed: itc and itg and itm"), "\(short.output)")
    }
}
