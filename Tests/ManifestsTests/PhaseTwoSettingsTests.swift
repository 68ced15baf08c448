import Foundation
import Manifests
import TestSupport
import Testing

private let smallest = """
    version: 1
    stage: 2
    image_encoder: {model: some/clip}
    start: {from: some/model}
    language_model: {model: some/opt}
    training: {steps: 100, batch_size: 8}
    """

@Suite("The file of phase 2") struct PhaseTwoSettingsTests {
    @Test("the smallest one has the defaults")
    func defaults() throws {
        let settings = try PhaseTwoSettings(yaml: smallest)
        #expect(settings.languageModel.model == "some/opt" && settings.languageModel.precision == .auto)
        #expect(settings.languageModel.split == .prefix && settings.languageModel.splitAfter == [])
        #expect(settings.languageModel.recompute == false && settings.qformer.dropout == 0.1)
        #expect(settings.losses.labelSmoothing == 0 && settings.captions.prompt.isEmpty)
    }

    /// The smallest file with `more` said of the language model.
    private func settings(_ more: String) throws -> PhaseTwoSettings {
        try PhaseTwoSettings(yaml: smallest.replacing("some/opt}", with: "some/opt\(more)}"))
    }

    @Test("marks to split captions behind are one text or a list of them", arguments: ["\"Answer:\"", "[\"Answer:\"]"])
    func marks(_ value: String) throws {
        let settings = try settings(", split_after: \(value)")
        #expect(settings.languageModel.splitAfter == ["Answer:"])
    }

    @Test("what a run writes is read as the same, with no difference found")
    func roundTrip() throws {
        for more in ["", ", split_after: [\"Answer:\", \"answer: \"]", ", split: prompt, recompute: true"] {
            let settings = try settings(more)
            let again = try PhaseTwoSettings(yaml: settings.yaml())
            #expect(again == settings && again.differences(from: settings).isEmpty)
        }
        let other = try settings(", split_after: \":\"")
        #expect(other.differences(from: try PhaseTwoSettings(yaml: smallest)).count == 1)
    }

    /// A fault put into the file -> the line it is reported at, its key, a part of the hint.
    static let faults: [(edit: (String, String), line: Int?, key: String, hint: String)] = [
        (("stage: 2", "stage: 1"), 2, "stage", "read by train stage2"),
        (("{from: some/model}", "{}"), 4, "start.from", "phase-1 model"),
        (("{from: some/model}", "{from: scratch}"), 4, "start.from", "does not begin without one"),
        (("{model: some/opt}", "{}"), 5, "language_model.model", "OPT or T5"),
        (("some/opt}", "o, precision: int8}"), 5, "language_model.precision", "no gradients"),
        (("some/opt}", "o, split: half}"), 5, "language_model.split", "prefix, prompt"),
        (("some/opt}", "o, split_after: \"\"}"), 5, "language_model.split_after", "Answer:"),
        (("some/opt}", "o, split_after: [a, \"\"]}"), 5, "language_model.split_after", "a list of such texts"),
        (("stage: 2", "stage: 2\nlosses: {label_smoothing: 0.1}"), 3, "losses.label_smoothing", "want 0"),
    ]

    @Test("a fault is named with its line, its key and what is allowed", arguments: faults.indices)
    func fault(_ number: Int) throws {
        let fault = Self.faults[number]
        let yaml = smallest.replacing(fault.edit.0, with: fault.edit.1)
        try #require(yaml != smallest)
        do {
            _ = try PhaseTwoSettings(yaml: yaml)
            Issue.record("no fault found in \(yaml)")
        } catch {
            #expect(error.line == fault.line && error.keyPath == fault.key, "\(error)")
            #expect(error.hint.contains(fault.hint), "\(error)")
        }
    }

    static let readyFiles = [
        "vit-g-opt-2.7b", "vit-g-opt-6.7b", "vit-g-flan-t5-xl", "vit-g-flan-t5-xxl", "vit-l-opt-2.7b",
        "vit-l-flan-t5-xl",
        "demo-opt", "demo-t5", "demo-captions",
    ]

    @Test("the ready ones are read, have the paper's numbers, and written out they are the same", arguments: readyFiles)
    func ready(_ name: String) throws {
        let settings = try PhaseTwoSettings(contentsOfFile: "\(Project.root)/manifests/stage2-\(name).yaml")
        let text = settings.yaml()
        #expect(try PhaseTwoSettings(yaml: text) == settings, "\(text)")
        #expect(text.hasPrefix("version: 1\nstage: 2\nseed: 42\n"), "\(text)")
        let (training, model) = (settings.training, settings.languageModel)
        guard !name.hasPrefix("demo") else {
            #expect(model.splitAfter == (name == "demo-t5" ? ["Answer:", "answer:"] : []))
            #expect(settings.data.sets.count == (name == "demo-captions" ? 1 : 2))
            return
        }
        #expect(training.steps == 80_000 && training.batchSize == (name.contains("opt") ? 1920 : 1520))
        #expect(training.learningRate == 1e-4 && training.minLearningRate == 5e-5 && training.warmupSteps == 2000)
        #expect(training.betas == [0.9, 0.98] && training.weightDecay == 0.05)
        #expect(model.precision == (name.contains("t5") ? .bfloat16 : .float16))
        #expect(model.split == .prefix && model.splitAfter.isEmpty)
    }

    @Test("every ready file is one of these")
    func readyNames() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Project.root + "/manifests")
            .filter { $0.hasPrefix("stage2-") }
        #expect(Set(names) == Set(Self.readyFiles.map { "stage2-\($0).yaml" }))
    }
}
