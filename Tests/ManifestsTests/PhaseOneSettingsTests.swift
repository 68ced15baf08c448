import Foundation
import Manifests
import TestSupport
import Testing

private let smallest = """
    version: 1
    stage: 1
    image_encoder: {model: some/clip}
    start: {from: some/bert}
    training: {steps: 1000, batch_size: 64}
    """

@Suite("The file of phase 1") struct PhaseOneSettingsTests {
    @Test("the smallest one has the paper's defaults")
    func defaults() throws {
        let settings = try PhaseOneSettings(yaml: smallest)
        #expect(settings.seed == 42 && settings.output.isEmpty && settings.processes == nil)
        #expect(settings.device == "auto" && settings.threads == 0)
        #expect(settings.imageEncoder.precision == .auto && settings.qformer.dropout == 0.1)
        #expect(settings.data.sets.isEmpty && settings.data.mixing == .samples && settings.data.shuffle.samples == 4096)
        #expect(settings.images.size == nil && settings.images.flip && !settings.images.randAugment)
        #expect(settings.images.crop == .area(0.5...1, aspect: 3.0 / 4...4.0 / 3))
        #expect(settings.captions.use == .kept && settings.captions.clean == .blip && settings.captions.maxTokens == 32)
        #expect(settings.losses.labelSmoothing == 0.1 && settings.losses.textMean == .global)
        let training = settings.training
        #expect(training.learningRate == 1e-4 && training.minLearningRate == 1e-5 && training.decay == .steps)
        #expect(training.betas == [0.9, 0.98] && training.weightDecay == 0.05 && training.clipNorm == 0)
        #expect(training.accumulate == 1 && training.precision == .auto && training.warmupSteps == nil)
        #expect(settings.checkpoints.every == 1000 && settings.checkpoints.keep == 2 && settings.validation == nil)
    }

    /// A fault put into a file -> the line it is reported at, its code, its key, a part of the hint.
    static let faults: [(edit: (String, String), line: Int?, code: ManifestError.Code, key: String, hint: String)] = [
        (("version: 1", "version: 2"), 1, .invalid, "version", "1 to 1"),
        (("stage: 1", "stage: 2"), 2, .invalid, "stage", "train stage1"),
        (("stage: 1", "stage: one"), 2, .wrongType, "stage", "whole number"),
        (("stage: 1\n", ""), 1, .missingKey, "stage", "add it: stage: 1"),
        (("stage: 1", "stage: 1\nsead: 3"), 3, .unknownKey, "sead", "did you mean seed?"),
        (("stage: 1", "stage: 1\nstage: 1"), 2, .syntax, "", "twice"),
        (("{model: some/clip}", "{precision: int8}"), 3, .missingKey, "image_encoder.model", "folder or hub id"),
        (("some/clip}", "c, precision: half}"), 3, .invalid, "image_encoder.precision", "auto, float32"),
        (("{from: some/bert}", "{}"), 4, .missingKey, "start.from", "a phase-1 model, or scratch"),
        (("{from: some/bert}", "{from: scratch}"), 4, .missingKey, "start.tokenizer", "no vocabulary"),
        (("some/bert}", "scratch, tokenizer: t, head: b}"), 4, .invalid, "start.head", "not with from: scratch"),
        (
            ("stage: 1", "stage: 1\nqformer: {layers: 4}"), 3, .invalid, "qformer.layers",
            "only with start.from: scratch"
        ),
        (("stage: 1", "stage: 1\nqformer: {dropout: 1}"), 3, .invalid, "qformer.dropout", "below 1"),
        (("stage: 1", "stage: 1\nimages: {crop: all}"), 3, .invalid, "images.crop", "{sides: 0.8}"),
        (("stage: 1", "stage: 1\nimages: {crop: {area: [1, 0.5]}}"), 3, .invalid, "images.crop.area", "[0.5, 1]"),
        (("stage: 1", "stage: 1\nimages: {crop: {sides: 0}}"), 3, .invalid, "images.crop.sides", "more than 0"),
        (("stage: 1", "stage: 1\nimages: {crop: {sides: 1, area: [1, 1]}}"), 3, .unknownKey, "images.crop.area", ""),
        (("stage: 1", "stage: 1\nimages: {flip: often}"), 3, .wrongType, "images.flip", "true or false"),
        (("stage: 1", "stage: 1\ncaptions: {use: worst}"), 3, .invalid, "captions.use", "kept, best, web"),
        (("stage: 1", "stage: 1\ndata: {sets: []}"), 3, .wrongType, "data.sets", "at least one"),
        (("stage: 1", "stage: 1\ndata: {sets: [{share: 1}]}"), 3, .missingKey, "data.sets[0].path", "add it"),
        (
            ("stage: 1", "stage: 1\ndata:\n  sets:\n    - {path: a, share: 1}\n    - {path: b}"), 6, .invalid,
            "data.sets[1].share", "or none"
        ),
        (
            ("stage: 1", "stage: 1\ndata: {sets: [{path: a, images: {size: 3}}]}"), 3, .unknownKey,
            "data.sets[0].images.size", "allowed here: crop"
        ),
        (("stage: 1", "stage: 1\nlosses: {label_smoothing: 1}"), 3, .invalid, "losses.label_smoothing", "below 1"),
        (("stage: 1", "stage: 1\nlosses: {text_mean: local}"), 3, .invalid, "losses.text_mean", "global, processes"),
        (("steps: 1000, ", ""), 5, .missingKey, "training.steps", "or epochs"),
        (("steps: 1000, ", "steps: 9, epochs: 1, "), 5, .invalid, "training.epochs", "not with steps"),
        ((", batch_size: 64", ""), 5, .missingKey, "training.batch_size", "all processes"),
        (("batch_size: 64", "batch_size: 1"), 5, .invalid, "training.batch_size", "2 to"),
        (("size: 64", "size: 4, accumulate: 5"), 5, .invalid, "training.batch_size", "at least 5"),
        (("size: 64", "size: 64, steps_per_epoch: 3"), 5, .invalid, "training.steps_per_epoch", "only with epochs"),
        (("size: 64", "size: 64, warmup_steps: 1001"), 5, .invalid, "training.warmup_steps", "at most steps, 1000"),
        (
            ("size: 64", "size: 64, warmup_learning_rate: 0"), 5, .invalid, "training.warmup_learning_rate",
            "only with decay: epochs"
        ),
        (("size: 64", "size: 64, learning_rate: 0"), 5, .invalid, "training.learning_rate", "more than 0"),
        (("size: 64", "size: 64, min_learning_rate: 1"), 5, .invalid, "training.min_learning_rate", "at most"),
        (("size: 64", "size: 64, betas: [0.9]"), 5, .invalid, "training.betas", "two numbers"),
        (("size: 64", "size: 64, betas: 0.9"), 5, .wrongType, "training.betas", "two numbers"),
        (("size: 64", "size: 64, precision: int8"), 5, .invalid, "training.precision", "bfloat16, float16"),
        (("stage: 1", "stage: 1\ncheckpoints: {every: 3, keep_every: 4}"), 3, .invalid, "checkpoints.keep_every", ""),
        (("stage: 1", "stage: 1\ncheckpoints: {save_as: int8}"), 3, .invalid, "checkpoints.save_as", "float16"),
        (("stage: 1", "stage: 1\nvalidation: {every: 5}"), 3, .missingKey, "validation.path", "not trained on"),
        (("stage: 1", "stage: 1\ndevice: gpu"), 3, .invalid, "device", "cuda:N"),
    ]

    @Test("a fault is named with its line, its key and what is allowed", arguments: faults.indices)
    func fault(_ index: Int) throws {
        let fault = Self.faults[index]
        let yaml = smallest.replacing(fault.edit.0, with: fault.edit.1, maxReplacements: 1)
        try #require(yaml != smallest)
        do {
            _ = try PhaseOneSettings(yaml: yaml)
            Issue.record("no fault found in \(yaml)")
        } catch {
            #expect(error.code == fault.code && error.line == fault.line && error.keyPath == fault.key, "\(error)")
            #expect(fault.hint.isEmpty || error.hint.contains(fault.hint), "\(error)")
        }
    }

    static let readyFiles = ["stage1-vit-l", "stage1-vit-g", "stage1-lavis", "stage1-demo"]

    @Test("the ready ones are read, and written out they are the same settings", arguments: readyFiles)
    func ready(_ name: String) throws {
        let settings = try PhaseOneSettings(contentsOfFile: "\(Project.root)/manifests/\(name).yaml")
        let text = settings.yaml()
        #expect(try PhaseOneSettings(yaml: text) == settings, "\(text)")
        #expect(text.hasPrefix("version: 1\nstage: 1\nseed: 42\n"), "\(text)")
        #expect(settings.differences(from: settings).isEmpty)
        let training = settings.training
        switch name {
        case "stage1-vit-l", "stage1-vit-g":
            #expect(training.steps == 250_000 && training.batchSize == (name.hasSuffix("l") ? 2320 : 1680))
            #expect(training.warmupSteps == 2000 && training.learningRate == 1e-4 && training.minLearningRate == 1e-5)
            #expect(
                training.betas == [0.9, 0.98] && training.weightDecay == 0.05 && settings.losses.textMean == .global)
        case "stage1-lavis":
            #expect(training.epochs == 10 && training.decay == .epochs && training.warmupLearningRate == 1e-6)
            #expect(training.betas == [0.9, 0.999] && settings.losses.textMean == .processes)
            #expect(settings.data.sets.map { $0.images?.randAugment ?? settings.images.randAugment } == [false, true])
            #expect(settings.data.sets[1].images?.crop == settings.images.crop)
        default:
            #expect(settings.start.isScratch && settings.qformer.width == 128 && !settings.images.flip)
        }
    }

    @Test("written out they read the same, whatever they say")
    func words() throws {
        let yaml = """
            version: 1
            stage: 1
            output: "3"
            image_encoder: {model: a b, precision: int8}
            start: {from: scratch, tokenizer: "no"}
            data: {sets: [{path: [x, y], share: 0.5, images: {crop: none, flip: false}}, {path: z, share: 2}], mixing: batches}
            images: {size: 64, crop: {sides: 0.75}}
            captions: {use: web, clean: none, prompt: "a photo of "}
            training: {epochs: 3, steps_per_epoch: 7, decay: epochs, batch_size: 64, learning_rate: 0.00002, epsilon: 1e-9}
            validation: {path: held/out}
            """
        let settings = try PhaseOneSettings(yaml: yaml)
        #expect(settings.data.sets[0].images?.crop == .whole && settings.data.sets[1].images == nil)
        #expect(settings.training.epsilon == 1e-9 && settings.training.warmupLearningRate == 1e-6)
        #expect(try PhaseOneSettings(yaml: settings.yaml()) == settings, "\(settings.yaml())")
    }

    @Test("what decides the result is compared with the run's earlier file, and what only says where and how is not")
    func differences() throws {
        let first = try PhaseOneSettings(yaml: smallest)
        var overrides = RunOverrides()
        (overrides.output, overrides.processes, overrides.threads) = ("elsewhere", 4, 2)
        (overrides.accumulate, overrides.device, overrides.data) = (2, "cpu", ["a"])
        #expect(first.overridden(by: overrides).differences(from: first).isEmpty)
        (overrides.learningRate, overrides.seed) = (0.5, 7)
        #expect(
            first.overridden(by: overrides).differences(from: first)
                == ["seed: 7, not 42", "training.learning_rate: 0.5, not 0.0001"])
        let mean = try PhaseOneSettings(yaml: smallest + "\nlosses: {text_mean: processes}")
        overrides = RunOverrides()
        overrides.processes = 2
        #expect(mean.overridden(by: overrides).differences(from: mean) == ["processes: 2, not none"])
    }

    @Test("the command line goes over the file; a shorter run has a shorter warm-up, a lower rate a lower floor")
    func overrides() throws {
        let file = try PhaseOneSettings(contentsOfFile: Project.root + "/manifests/stage1-lavis.yaml")
        var overrides = RunOverrides()
        (overrides.steps, overrides.learningRate) = (10, 1e-7)
        (overrides.batchSize, overrides.precision, overrides.data) = (8, .float32, ["a", "b"])
        let settings = file.run.overridden(by: overrides)
        #expect(settings.training.steps == 10 && settings.training.epochs == nil)
        #expect(settings.training.stepsPerEpoch == 835 && settings.training.warmupSteps == 5000)
        #expect(settings.training.minLearningRate == 1e-7 && settings.training.warmupLearningRate == 1e-7)
        #expect(settings.data.sets == [RunSettings.Data.Set(paths: ["a", "b"])])
        #expect(settings.batchProblem == "want at least 16, a sample for each of 1 parts in 16 processes, not 8")
        #expect(file.run.overridden(by: RunOverrides()) == file.run)
        let paper = try PhaseOneSettings(contentsOfFile: Project.root + "/manifests/stage1-vit-g.yaml")
        #expect(paper.run.overridden(by: overrides).training.warmupSteps == 10)
    }

    @Test("paths lead beside the file, then into the current directory; models may be hub ids")
    func paths() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
        let settings = try PhaseOneSettings(
            yaml: smallest + "\noutput: out\ndata: {sets: [{path: [data, elsewhere]}]}\nvalidation: {path: data}")
        let resolved = settings.resolved(besideFile: folder + "/file.yaml")
        let here = FileManager.default.currentDirectoryPath
        #expect(resolved.data.sets[0].paths == [folder + "/data", here + "/elsewhere"])
        #expect(resolved.validation?.paths == [folder + "/data"] && resolved.output == here + "/out")
        #expect(resolved.imageEncoder.model == "some/clip" && resolved.start.from == "some/bert")
    }
}
