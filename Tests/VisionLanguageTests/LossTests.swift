import Layers
import Tensors
import TestSupport
import Testing
import VisionLanguage

/// Values that `Tests/Goldens/make_training_goldens.py` wrote.
private struct TrainingGolden {
    private let golden: Checkpoint

    init(_ name: String) throws {
        golden = try Checkpoint(file: Project.root + "/Tests/Goldens/training/\(name).safetensors")
    }

    func tensor(_ name: String) throws -> Tensor { try golden.tensor(name) }
    func floats(_ name: String) throws -> [Float] { try golden.tensor(name).floats() }

    /// The rows of a matrix of ids, without what fills them up.
    func texts(_ name: String) throws -> [[Int]] {
        let lengths = try golden.tensor("lengths").integers()
        let (values, width) = (try golden.tensor(name).integers(), try golden.tensor(name).shape[1])
        return lengths.enumerated().map { Array(values[$0 * width..<$0 * width + $1]) }
    }

    /// Compares every gradient that the file holds with that of the parameter of the same name.
    func expectGradients(_ parameters: Parameters) throws {
        let names = golden.names.filter { $0.hasPrefix("gradient.") }
        #expect(names.count > 5)
        for name in names {
            let parameter = try #require(parameters[String(name.dropFirst("gradient.".count))], "\(name)")
            let (made, expected) = (try parameter.gradient().floats(), try floats(name))
            let size = expected.map(abs).max() ?? 0
            #expect(size > 0, "\(name) is 0, which shows nothing")
            #expect(distance(made, expected) <= 1e-4 * size + 1e-7, "\(name)")
        }
    }
}

@Suite("The losses and their gradients, against transformers and PyTorch")
struct LossTests {
    @Test(
        "of the captioner: label smoothing, prompt not asked for, texts of several lengths",
        arguments: ["blip-even", "blip-odd"])
    func captions(name: String) throws {
        let (model, golden) = (try GoldenModel(name), try TrainingGolden(name))
        let configuration = try BLIPConfiguration(json: model.json())
        let weights = Weights(training: try Checkpoint(directory: model.directory), on: .cpu)
        let loss = try BLIP(configuration, weights).captionLoss(
            golden.tensor("pixel_values"), golden.texts("captions").map { [$0] }, promptLength: 4)
        #expect(try distance(loss.floats(), golden.floats("loss")) <= 1e-5)
        try loss.backward()
        try golden.expectGradients(weights.parameters)
    }

    @Test("of the ranker, the learned temperature among the parameters", arguments: ["clip-even", "clip-odd"])
    func contrastive(name: String) throws {
        let (golden, configuration) = (try TrainingGolden(name), try CLIPConfiguration(json: GoldenModel(name).json()))
        let weights = Weights(training: try Checkpoint(directory: GoldenModel(name).directory), on: .cpu)
        let model = try CLIP(configuration, weights)
        let loss = try contrastiveLoss(
            images: model.images(golden.tensor("pixel_values")), texts: model.texts(golden.texts("input_ids")),
            scale: model.scale())
        #expect(try distance(loss.floats(), golden.floats("loss")) <= 1e-5)
        try loss.backward()
        try golden.expectGradients(weights.parameters)
    }

    @Test("with soft targets, gradients through the targets too")
    func softTargets() throws {
        let golden = try TrainingGolden("soft-targets")
        let (images, texts) = (try golden.tensor("images").parameter(), try golden.tensor("texts").parameter())
        let loss = try softTargetLoss(images: images, texts: texts, temperature: 0.5)
        #expect(try distance(loss.floats(), golden.floats("loss")) <= 1e-5)
        try loss.backward()
        #expect(try distance(images.gradient().floats(), golden.floats("gradient.images")) <= 1e-5)
        #expect(try distance(texts.gradient().floats(), golden.floats("gradient.texts")) <= 1e-5)
    }

    @Test("AdamW takes the same twelve steps as PyTorch's: matrices decay, vectors do not")
    func adamw() throws {
        let golden = try TrainingGolden("adamw")
        let parameters = [try golden.tensor("matrix").parameter(), try golden.tensor("vector").parameter()]
        let optimizer = try AdamW([
            AdamW.Group([parameters[0]], decay: 0.05), AdamW.Group([parameters[1]], decay: 0),
        ])
        for (step, rate) in try golden.floats("rates").enumerated() {
            try clearGradients(parameters)
            // The gradient of a sum of products with constants are the constants.
            let slopes = try golden.tensor("gradients").narrowed(0, step..<step + 1).reshaped([15])
            let flat = try concatenated([parameters[0].reshaped([12]), parameters[1]], dimension: 0)
            try ((flat * slopes).mean() * 15).backward()
            try optimizer(step: step + 1, rate: Double(rate))
            for (parameter, name) in zip(parameters, ["matrices", "vectors"]) {
                let expected = try golden.tensor(name).narrowed(0, step..<step + 1).floats()
                #expect(try distance(parameter.detached().floats(), expected) <= 1e-6, "\(name), step \(step + 1)")
            }
        }
    }

    @Test("the length of a gradient is measured and limited over all parameters together")
    func clipping() throws {
        let parameters = [
            try Tensor([Float(3), 0], shape: [2]).parameter(), try Tensor([Float(4)], shape: [1]).parameter(),
        ]
        let squares = try concatenated(parameters.map { try $0 * $0 }, dimension: 0)
        try (squares.mean() * 1.5).backward()  // ½ Σ x²: the gradient is x itself, 5 long
        #expect(try abs(clipGradients(parameters, limit: 0) - 5) < 1e-6)
        #expect(try abs(clipGradients(parameters, limit: 1) - 5) < 1e-6)
        #expect(
            try distance(parameters[0].gradient().floats() + parameters[1].gradient().floats(), [0.6, 0, 0.8]) < 1e-5)
    }
}
