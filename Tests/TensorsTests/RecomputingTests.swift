import Tensors
import Testing

@Suite("Computing again in the backward pass")
struct RecomputingTests {
    private struct Case {
        let x: Tensor
        let weight: Tensor

        init() throws {
            x = try Tensor((0..<12).map { Float($0) / 5 - 1 }, shape: [3, 4]).parameter()
            weight = try Tensor((0..<16).map { Float($0 * 7 % 11) / 9 - 0.5 }, shape: [4, 4]).parameter()
        }

        func layer(_ y: Tensor) throws(TorchError) -> Tensor {
            try Activation.gelu(linear(y, weight: weight, bias: nil)) + y
        }

        func gradients(of result: Tensor) throws -> [[Float]] {
            try clearGradients([x, weight])
            try (result * result).mean().backward()
            return [try x.gradient().floats(), try weight.gradient().floats()]
        }
    }

    @Test("results and gradients are the same, of the input and of parameters that the function holds")
    func same() throws {
        let here = try Case()
        let plain = try here.layer(here.layer(here.x))
        let again = try recomputing(recomputing(here.x, here.layer), here.layer)
        #expect(try plain.floats() == again.floats())
        #expect(try here.gradients(of: plain) == here.gradients(of: again))
    }

    @Test("within autocast, what is computed again has the types of the first time")
    func autocasting() throws {
        let here = try Case()
        let plain = try autocast(.bfloat16, on: .cpu) { try here.layer(here.x) }
        let again = try autocast(.bfloat16, on: .cpu) { try recomputing(here.x, here.layer) }
        let (wanted, made) = (try here.gradients(of: plain), try here.gradients(of: again))
        #expect(wanted == made)
        #expect(try wanted != here.gradients(of: here.layer(here.x)))  // bfloat16 was used
    }

    @Test("the function is called once where no gradients are recorded, and once more by the backward pass")
    func calls() throws {
        final class Count { var calls = 0 }
        let (here, count) = (try Case(), Count())
        func counted(_ y: Tensor) throws(TorchError) -> Tensor {
            count.calls += 1
            return try here.layer(y)
        }
        _ = try inference { () throws(TorchError) in try recomputing(here.x, counted) }
        _ = try recomputing(here.x.detached(), counted)
        #expect(count.calls == 2)
        let result = try recomputing(here.x, counted)
        #expect(count.calls == 3)
        try result.mean().backward()
        #expect(count.calls == 4)
    }

    @Test("an error of the function is the error of the call")
    func failures() throws {
        let here = try Case()
        let error = #expect(throws: TorchError.self) {
            try recomputing(here.x) { y throws(TorchError) in try linear(y, weight: y, bias: y) }
        }
        #expect(error?.operation == "recompute")
    }
}
