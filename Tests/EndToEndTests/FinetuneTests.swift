import Foundation
import TestSupport
import Testing

/// Small models of both phases, and fine-tuning of them, on a data set that the pipeline built.
private final class FinetuneSite {
    let site: TrainingSite
    var folder: String { site.folder }

    /// The images' ids are the numbers of their rows.
    init() throws {
        site = try TrainingSite()
        let list = try String(contentsOfFile: folder + "/demo/list.csv", encoding: .utf8)
        let lines = list.split(separator: "\n").enumerated().map { $0 == 0 ? "number,\($1)" : "\(99 + $0),\($1)" }
        try lines.joined(separator: "\n")
            .write(toFile: folder + "/demo/numbered.csv", atomically: true, encoding: .utf8)
        try """
        version: 1
        name: scenes
        shard: {samples: 16}
        image: {size: 64}
        sources:
          - {name: demo, format: csv, path: demo/numbered.csv, id_column: number, image_root: demo, captions: original}
        """.write(toFile: folder + "/numbered.yaml", atomically: true, encoding: .utf8)
        try run(Site.pipeline, ["build", "--manifest", folder + "/numbered.yaml", "--output", folder + "/numbered"])
        try makeLanguageModel()
        try writeQuestions(images: (0..<50).map { 100 + $0 } + [9999])
        try write(
            "stage1.yaml", "stage: 1", encoder: "{model: \(Project.root)/models/demo-ranker, precision: float32}",
            start: "{from: scratch, tokenizer: \(Project.root)/models/demo-captioner}",
            more: "qformer: {queries: 4, layers: 2, width: 32, heads: 2, positions: 40, joint_width: 16}")
        try write(
            "stage2.yaml", "stage: 2", encoder: "{model: \(Project.root)/models/demo-ranker, precision: float32}",
            start: "{from: \(folder)/stage1}", more: "language_model: {model: \(folder)/opt, precision: float32}")
        try train("stage1", ["--steps", "4"])
        try train("stage2", ["--steps", "4"])
    }

    private func run(_ program: String, _ arguments: [String]) throws {
        let ended = try Program.run(program, arguments)
        try #require(ended.status == 0, "\(ended.errors)")
    }

    /// An OPT of noise with the goldens' tokenizer, as transformers writes it.
    private func makeLanguageModel() throws {
        let script = """
            import shutil, sys, torch
            from transformers import OPTConfig, OPTForCausalLM
            torch.manual_seed(3)
            OPTForCausalLM(OPTConfig(vocab_size=562, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=2,
                                     max_position_embeddings=128, word_embed_proj_dim=32)).save_pretrained(sys.argv[1])
            for name in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(sys.argv[2] + "/" + name, sys.argv[1])
            """
        try Python.run(script, [folder + "/opt", Project.root + "/Tests/Goldens/tokenizers/opt"])
    }

    private func writeQuestions(images: [Int]) throws {
        let asked = images.flatMap { image in
            ["what colour is it?", "how many are there?"].enumerated().map { number, text in
                ["question_id": 10 * image + number, "image_id": image, "question": text] as [String: Any]
            }
        }
        let answered = asked.map { item in
            let answers = (0..<10).map { ["answer": $0 < 7 ? "red" : "dark red"] }
            return ["question_id": item["question_id"] ?? 0, "image_id": item["image_id"] ?? 0, "answers": answers]
        }
        for (name, values) in [("questions", asked), ("annotations", answered)] {
            try JSONSerialization.data(withJSONObject: [name: values])
                .write(to: URL(fileURLWithPath: "\(folder)/\(name).json"))
        }
    }

    /// Writes the file of a training of 6 steps.
    func write(_ name: String, _ kind: String, encoder: String, start: String, more: String = "") throws {
        try """
        version: 1
        \(kind)
        image_encoder: \(encoder)
        start: \(start)
        data: {sets: [{path: \(folder)/numbered}]}
        images: {crop: {sides: 0.8}, flip: false\(kind.hasPrefix("task") ? ", size: 90" : "")}
        training: {steps: 6, batch_size: 8, learning_rate: 0.001, warmup_steps: 1, precision: float32}
        checkpoints: {every: 2}
        threads: 2
        \(more)
        """.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }

    /// Writes `TASK.yaml`, in which `edits` are made.
    func writeTask(_ task: String, _ edits: [(String, String)] = []) throws {
        let start =
            switch task {
            case "retrieval": "{from: \(folder)/stage1}"
            case "vqa": "{from: \(folder)/stage2, phase1: \(folder)/stage1}"
            default: "{from: \(folder)/stage2}"
            }
        try write(
            task + ".yaml", "task: \(task)", encoder: "{layer_decay: 0.5, recompute: true}", start: start,
            more: task == "retrieval" ? "" : "language_model: {precision: float32}")
        var edits = edits
        if task == "vqa" {
            let files = "[{file: \(folder)/questions.json, annotations: \(folder)/annotations.json}]"
            edits.insert(("data: {sets", "data: {questions: \(files), sets"), at: 0)
        }
        let path = "\(folder)/\(task).yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try edits.reduce(text) { $0.replacing($1.0, with: $1.1) }.write(toFile: path, atomically: true, encoding: .utf8)
    }

    func arguments(_ name: String, _ output: String, file: String? = nil) -> [String] {
        let command = name.hasPrefix("stage") ? [name] : ["finetune", name]
        return ["train"] + command + ["--config", "\(folder)/\(file ?? name).yaml", "--output", "\(folder)/\(output)"]
    }

    @discardableResult func train(_ name: String, _ more: [String] = []) throws -> Program.Ended {
        let ended = try Program.run(Site.blip2, arguments(name, name) + more)
        try #require(ended.status == 0, "\(ended.errors)")
        return ended
    }
}

@Suite("blip2 train finetune") struct FinetuneTests {
    @Test("trains for captions, questions and retrieval, resumes exactly, and names faults in one line")
    func tasks() throws {
        let site = try FinetuneSite()  // its models take longer than what is done with them
        try faults(site)
        try captioning(site)
        try vqa(site)
        try retrieval(site)
    }

    /// Captioning, killed and started again: the same losses and weights; the finished model has grown.
    private func captioning(_ site: FinetuneSite) throws {
        try site.writeTask("captioning")
        let whole = try site.train("captioning")
        #expect(whole.errors.contains("trained too: image encoder"), "\(whole.errors)")
        let rates = "rate times 0.0156 at the patches, 0.0313 in the first layer, to 0.5000 in the last"
        #expect(whole.errors.contains(rates), "\(whole.errors)")
        let run = try Program(Site.blip2, site.arguments("captioning", "killed"))
        _ = eventually { !run.isRunning || ((try? site.site.losses("killed").count) ?? 0) > 2 }
        #expect(run.isRunning, "it ended before it was killed")
        run.signal(SIGKILL)
        _ = run.wait()
        let resumed = try Program.run(Site.blip2, site.arguments("captioning", "killed"))
        try #require(resumed.status == 0, "\(resumed.errors)")
        #expect(try site.site.losses("killed") == site.site.losses("captioning"))
        let models = try ["killed", "captioning"].map { try site.site.contents($0 + "/model.safetensors") }
        #expect(models[0] == models[1])
        let script = """
            import json, sys, torch
            from safetensors.torch import load_file
            before, after = (load_file(folder + "/model.safetensors") for folder in sys.argv[1:])
            grown = [name for name in before if before[name].shape != after[name].shape]
            same = [name for name in before if name not in grown and torch.equal(before[name], after[name])]
            side = json.load(open(sys.argv[1] + "/config.json"))["vision_config"]["image_size"]
            print(side, grown, sorted({name.split(".")[0] for name in same}))
            """
        let loaded = try Python.run(script, [site.folder + "/captioning", site.folder + "/stage2"])
        // LAVIS would take its own encoder in place of the fine-tuned one.
        let exported = try Program.run(
            Site.blip2,
            [
                "export-lavis", site.folder + "/captioning", "--without-image-encoder", "--output",
                site.folder + "/captioning.pth",
            ])
        #expect(exported.status == 64 && exported.errors.contains("was fine-tuned"), "\(exported.errors)")
        #expect(
            loaded == "90 ['vision_model.embeddings.position_embedding.weight'] ['language_model']\n",
            "\(loaded)")
    }

    /// VQA takes the question branch from phase 1, counts questions and images, and saves what reads questions.
    private func vqa(_ site: FinetuneSite) throws {
        try site.writeTask("vqa")
        let made = try site.train("vqa", ["--processes", "2"])
        #expect(
            made.errors.contains(
                "data.sets[0]: 100 questions about 50 images; 2 about images that are not there; 10 images without a "
                    + "question left out"), "\(made.errors)")
        #expect(made.errors.contains("from the phase-1 model \(site.folder)/stage1"), "\(made.errors)")
        #expect(FileManager.default.fileExists(atPath: site.folder + "/vqa/qformer_tokenizer/vocab.txt"))
        let one = try Program.run(Site.blip2, site.arguments("vqa", "one"))
        try #require(one.status == 0, "\(one.errors)")
        let losses = try ["vqa", "one"].map { output in
            try site.site.losses(output).compactMap { Double($0.split(separator: " ")[1]) }
        }
        #expect(losses[0].count == 6 && zip(losses[0], losses[1]).allSatisfy { abs($0 - $1) < 1e-3 }, "\(losses)")
        // A model that reads questions is a start that needs no phase-1 model.
        try site.writeTask("vqa", [("stage2, phase1: \(site.folder)/stage1", "vqa")])
        let again = try Program.run(Site.blip2, site.arguments("vqa", "again") + ["--steps", "2"])
        #expect(again.status == 0, "\(again.errors)")
    }

    /// Retrieval starts from a phase-1 model, and what comes of it is evaluated as one.
    private func retrieval(_ site: FinetuneSite) throws {
        try site.writeTask("retrieval")
        let made = try site.train("retrieval", ["--accumulate", "2"])
        #expect(made.errors.contains("from the phase-1 model \(site.folder)/stage1"), "\(made.errors)")
        let scored = try Program.run(
            Site.blip2,
            ["eval", "retrieval", "--model", site.folder + "/retrieval", "--data", site.folder + "/numbered", "--json"])
        #expect(scored.status == 0, "\(scored.errors)")
    }

    /// Faults are one line that says where.
    private func faults(_ site: FinetuneSite) throws {
        for (task, edit, message) in [
            ("vqa", (", phase1: \(site.folder)/stage1", ""), "start.phase1: add it"),
            ("vqa", ("phase1: \(site.folder)/stage1", "phase1: \(site.folder)/stage2"), "stage2"),
            ("vqa", ("questions.json", "no-questions.json"), "no-questions.json"),
            ("captioning", ("from: \(site.folder)/stage2", "from: \(site.folder)/stage1"), "has no language model"),
            ("captioning", ("size: 90", "size: 91"), "images.size: want a multiple of"),
            ("captioning", ("task: captioning", "task: retrieval"), "language_model"),
            ("retrieval", ("from: \(site.folder)/stage1", "from: \(site.folder)/opt"), "start.from"),
        ] {
            try site.writeTask(task, [edit])
            let ended = try Program.run(Site.blip2, site.arguments(task, "bad"))
            #expect(ended.status == 65 && ended.errors.contains(message), "\(ended.status): \(ended.errors)")
            #expect(ended.errors.hasPrefix("error: ") && ended.errors.count { $0 == "\n" } == 1, "\(ended.errors)")
        }
        try splitFaults(site)
        try site.writeTask("retrieval")
        let other = try Program.run(
            Site.blip2,
            ["train", "finetune", "vqa", "--config", site.folder + "/retrieval.yaml", "--output", site.folder + "/bad"])
        #expect(other.status == 65 && other.errors.contains("read by train finetune retrieval"), "\(other.errors)")
        #expect(!FileManager.default.fileExists(atPath: site.folder + "/bad"), "a fault writes nothing")
    }

    /// A mark that no caption has is an error, and how many captions have one is said.
    private func splitFaults(_ site: FinetuneSite) throws {
        func phaseTwo(_ more: String) throws -> Program.Ended {
            try site.write(
                "split.yaml", "stage: 2", encoder: "{model: \(Project.root)/models/demo-ranker, precision: float32}",
                start: "{from: \(site.folder)/stage1}",
                more: "language_model: {model: \(site.folder)/opt, precision: float32, \(more)}")
            return try Program.run(Site.blip2, site.arguments("stage2", "bad", file: "split") + ["--steps", "2"])
        }
        for (more, message) in [
            ("split: prompt", "language_model.split: prompt"),
            ("split_after: [a, \"Answer:\"]", "language_model.split_after: \"Answer:\" is in no caption of the first"),
        ] {
            let ended = try phaseTwo(more)
            #expect(ended.status == 65, "\(ended.errors)")
            #expect(ended.errors.hasPrefix("error: " + message), "\(ended.errors)")
            #expect(!FileManager.default.fileExists(atPath: site.folder + "/bad"))
        }
        let ended = try phaseTwo("split_after: \" and \"")
        #expect(ended.status == 0, "\(ended.errors)")
        let line = /captions split behind " and ": in (\d+) of the first (\d+) samples/
        let counts = try #require(try line.firstMatch(in: ended.errors), "\(ended.errors)")
        let (split, looked) = (try #require(Int(counts.1)), try #require(Int(counts.2)))
        #expect(0 < split && split < looked)
        try FileManager.default.removeItem(atPath: site.folder + "/bad")
    }
}
