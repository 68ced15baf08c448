import Foundation
import Manifests
import TestSupport
import Testing

private func smallest(_ task: String) -> String {
    """
    version: 1
    task: \(task)
    start: {from: some/model}
    training: {steps: 100, batch_size: 8}
    \(task == "vqa" ? "data: {questions: [{file: q.json, annotations: a.json}]}" : "")
    """
}

@Suite("The file of fine-tuning") struct FinetuneSettingsTests {
    @Test("the smallest ones have the published recipes' defaults", arguments: ["captioning", "vqa", "retrieval"])
    func defaults(_ task: String) throws {
        let settings = try FinetuneSettings(yaml: smallest(task))
        #expect(settings.task.rawValue == task && settings.run.stage == nil)
        #expect(settings.imageEncoder.model == "some/model" && settings.imageEncoder.precision == .float32)
        #expect(settings.imageEncoder.layerDecay == 1 && settings.imageEncoder.recompute == false)
        let training = settings.training
        #expect(training.learningRate == 1e-5 && training.minLearningRate == 0 && training.betas == [0.9, 0.999])
        #expect(settings.images.size == (task == "vqa" ? 490 : 364))
        #expect(settings.losses.labelSmoothing == (task == "retrieval" ? 0.1 : 0))
        #expect((settings.languageModel == nil) == (task == "retrieval"))
        #expect(settings.run.answers == (task == "vqa" ? .all : nil))
        let prompts = ["captioning": "a photo of", "vqa": "Question: {} Answer:"]
        #expect(settings.captions.prompt == prompts[task] ?? "")
    }

    /// A fault put into a file of a task -> the line it is reported at, its code, its key, a part of the hint.
    static let faults: [(task: String, edit: (String, String), line: Int?, key: String, hint: String)] = [
        ("captioning", ("task: captioning", "task: answering"), 2, "task", "captioning, vqa, retrieval"),
        ("captioning", ("task: captioning\n", ""), 1, "task", "add it: one of captioning"),
        ("captioning", ("task: captioning", "task: captioning\nstage: 2"), 3, "stage", "allowed here"),
        ("captioning", ("{from: some/model}", "{}"), 3, "start.from", "phase-2 model"),
        ("retrieval", ("{from: some/model}", "{from: scratch}"), 3, "start.from", "phase-1 model"),
        ("captioning", ("some/model}", "m, phase1: n}"), 3, "start.phase1", "allowed here: from"),
        ("vqa", ("some/model}", "m, head: n}"), 3, "start.head", "allowed here"),
        (
            "captioning", ("version: 1", "version: 1\nimage_encoder: {precision: float16}"), 2,
            "image_encoder.precision", "NaN"
        ),
        (
            "captioning", ("version: 1", "version: 1\nimage_encoder: {layer_decay: 0}"), 2,
            "image_encoder.layer_decay", "at most 1"
        ),
        ("captioning", ("version: 1", "version: 1\nanswers: all"), 2, "answers", ""),
        ("vqa", ("version: 1", "version: 1\nanswers: best"), 2, "answers", "all, drawn"),
        ("vqa", ("version: 1", "version: 1\ncaptions: {prompt: what}"), 2, "captions.prompt", "one {} in it"),
        ("vqa", ("version: 1", "version: 1\nlosses: {label_smoothing: 0.1}"), 2, "losses.label_smoothing", "want 0"),
        ("vqa", ("version: 1", "version: 1\nvalidation: {path: p}"), 2, "validation.questions", "add it"),
        (
            "vqa", ("data: {questions: [{file: q.json, annotations: a.json}]}", "data: {sets: [{path: p}]}"), 5,
            "data.sets[0].questions", "add it"
        ),
        ("vqa", ("{file: q.json, ", "{"), 5, "data.questions[0].file", "JSON file"),
        ("vqa", ("a.json}", "a.json, weight: 2}"), 5, "data.questions[0].weight", "at most 1"),
        ("captioning", ("version: 1", "version: 1\ndata: {questions: []}"), 2, "data.questions", "allowed here"),
        ("retrieval", ("version: 1", "version: 1\nlanguage_model: {recompute: true}"), 2, "language_model", ""),
        (
            "captioning", ("version: 1", "version: 1\nlanguage_model: {precision: int8}"), 2,
            "language_model.precision", "no gradients"
        ),
    ]

    @Test("a fault is named with its line, its key and what is allowed", arguments: faults.indices)
    func fault(_ index: Int) throws {
        let fault = Self.faults[index]
        let yaml = smallest(fault.task).replacing(fault.edit.0, with: fault.edit.1, maxReplacements: 1)
        try #require(yaml != smallest(fault.task))
        let error = #expect(throws: ManifestError.self) { _ = try FinetuneSettings(yaml: yaml) }
        #expect(error?.line == fault.line && error?.keyPath == fault.key, "\(error as Any)")
        #expect(fault.hint.isEmpty || error?.hint.contains(fault.hint) == true, "\(error as Any)")
    }

    static let readyFiles =
        ["captioning", "vqa"].flatMap { task in ["opt-2.7b", "opt-6.7b", "flan-t5-xl"].map { "\(task)-\($0)" } }
        + ["retrieval-vit-g", "retrieval-vit-l"]

    @Test("the ready ones are read, have the paper's numbers, and written out they are the same", arguments: readyFiles)
    func ready(_ name: String) throws {
        let settings = try FinetuneSettings(contentsOfFile: "\(Project.root)/manifests/finetune-\(name).yaml")
        let text = settings.yaml()
        #expect(try FinetuneSettings(yaml: text) == settings, "\(text)")
        #expect(text.hasPrefix("version: 1\ntask: \"\(settings.task.rawValue)\"\nseed: 42\n"), "\(text)")
        let (training, decay) = (settings.training, settings.imageEncoder.layerDecay)
        #expect(training.epochs == 5 && training.warmupSteps == 1000 && training.weightDecay == 0.05)
        #expect(training.minLearningRate == 0)
        let batches: [RunSettings.Task: Int] = [.captioning: 256, .vqa: 128, .retrieval: 224]
        #expect(training.batchSize == batches[settings.task])
        let decays = [
            "captioning-opt-2.7b": 1, "captioning-opt-6.7b": 0.95, "captioning-flan-t5-xl": 1, "vqa-opt-2.7b": 0.95,
            "vqa-opt-6.7b": 0.9, "vqa-flan-t5-xl": 0.95, "retrieval-vit-g": 0.95, "retrieval-vit-l": 1,
        ]
        #expect(decay == decays[name])
        let isSmall = name == "retrieval-vit-l"
        #expect(training.learningRate == (isSmall ? 5e-6 : 1e-5) && training.betas == [0.9, isSmall ? 0.98 : 0.999])
    }

    @Test("a run goes on with its models and questions elsewhere, and not with other answers or another weight")
    func differences() throws {
        let set = "data: {sets: [{path: p, questions: [{file: q.json, annotations: a.json}]}]}"
        func settings(_ edits: (String, String)...) throws -> FinetuneSettings {
            let yaml = smallest("vqa").replacing("data: {questions: [{file: q.json, annotations: a.json}]}", with: set)
            return try FinetuneSettings(yaml: edits.reduce(yaml) { $0.replacing($1.0, with: $1.1) })
        }
        let here = try settings()
        #expect(
            try here.differences(from: settings(("q.json", "b/q.json"), ("a.json", "b/a.json"), ("some", "other")))
                .isEmpty)
        #expect(
            try here.differences(from: settings(("a.json}", "a.json, weight: 0.5}")))
                == ["data.sets[0].questions[0].weight: 1, not 0.5"])
        #expect(
            try here.differences(from: settings(("version: 1", "version: 1\nanswers: drawn")))
                == ["answers: all, not drawn"])
    }

    @Test("--data keeps the questions of the file's sets")
    func overridden() throws {
        let yaml = smallest("vqa").replacing(
            "data: {questions: [{file: q.json, annotations: a.json}]}",
            with: "data: {sets: [{path: p, questions: [{file: q.json}]}]}")
        var overrides = RunOverrides()
        overrides.data = ["/elsewhere"]
        let sets = try FinetuneSettings(yaml: yaml).overridden(by: overrides).data.sets
        #expect(sets.map(\.paths) == [["/elsewhere"]] && sets[0].questions?.map(\.file) == ["q.json"])
    }
}
