import LanguageModels
import Layers
import Tensors
import Testing

@Suite("Language models in training, against transformers")
struct TrainingTests {
    @Test(
        "the loss of texts, and the gradient of every parameter: tables that several layers read, and tied heads, too",
        arguments: LanguageGolden.all)
    func gradients(golden: LanguageGolden) throws {
        let weights = Weights(training: try Checkpoint(directory: golden.directory), on: .cpu)
        let model = try golden.configuration().model(weights)
        let expected = try Checkpoint(file: golden.directory + "/training.safetensors")
        let texts = try rows(expected, "texts")
        let given = texts.map { Array($0.prefix(1)) }
        let isOPT = try golden.configuration().isDecoder
        let loss = try model.loss(
            model.embed(isOPT ? given : rows(expected, "given")),
            texts.map { TargetText(isOPT ? Array($0.dropFirst()) : $0) }, divisor: nil)
        #expect(try distance(loss.floats(), expected.tensor("loss").floats()) <= 1e-5)
        try loss.backward()
        let parameters = weights.parameters
        let names = expected.names.filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }
        #expect(names.sorted() == parameters.names)
        for (name, parameter) in zip(parameters.names, parameters.tensors) {
            let wanted = try expected.tensor("grad." + name).floats()
            let made = try parameter.gradient().floats()
            let scale = max(wanted.map(abs).max() ?? 0, 1e-3)
            #expect(distance(made, wanted) <= 1e-4 * scale, "\(name)")
        }
    }

    private func rows(_ checkpoint: Checkpoint, _ name: String) throws -> [[Int]] {
        let tensor = try checkpoint.tensor(name)
        let (values, width) = (try tensor.integers(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { start in
            values[start..<start + width].filter { $0 >= 0 }
        }
    }
}
