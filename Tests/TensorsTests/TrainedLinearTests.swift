import Tensors
import Testing

@Suite("A linear layer in training") struct TrainedLinearTests {
    private func values(_ count: Int, _ seed: Int) -> [Float] {
        (0..<count).map { Float(($0 &* 7919 &+ seed &* 104_729) % 1009) / 504 - 1 }
    }

    /// The result of a layer and the gradients of input, weight and bias.
    private func run(
        _ shape: [Int], _ outputs: Int, _ layer: (Tensor, Tensor, Tensor) throws -> Tensor
    ) throws -> [[Float]] {
        let (rows, inputs) = (shape.dropLast().reduce(1, *), shape[shape.count - 1])
        let x = try Tensor(values(rows * inputs, 1), shape: shape).parameter()
        let weight = try Tensor(values(outputs * inputs, 2), shape: [outputs, inputs]).parameter()
        let bias = try Tensor(values(outputs, 3), shape: [outputs]).parameter()
        let y = try layer(x, weight, bias)
        // Each output has a slope of its own.
        try (y * Tensor(values(rows * outputs, 4), shape: y.shape)).mean().backward()
        return try [y.detached().floats()] + [x, weight, bias].map { try $0.gradient().floats() }
    }

    @Test(
        "has the results and gradients of the plain product, whichever library computes it",
        arguments: [[6, 40], [4, 64, 512]])
    func gradients(shape: [Int]) throws {
        let made = try run(shape, 384) { try linear($0, weight: $1, bias: $2) }
        let plain = try run(shape, 384) { try $0.times($1.permuted([1, 0])) + $2 }
        for (name, (a, b)) in zip(["y", "x", "weight", "bias"], zip(made, plain)) {
            let size = b.map(abs).max() ?? 0
            let difference = zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
            #expect(a.count == b.count && difference <= 1e-5 * size, "\(name): \(difference) of \(size)")
        }
    }
}
