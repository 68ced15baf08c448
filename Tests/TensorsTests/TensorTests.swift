import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Tensors and engines")
struct TensorTests {
    @Test("an exception of libtorch is an error that names the operation")
    func exceptions() throws {
        let x = try Tensor([1, 2] as [Float], shape: [2])
        let error = #expect(throws: TorchError.self) { try x.times(Tensor([1, 2, 3] as [Float], shape: [3])) }
        #expect(error?.operation == "matmul")
        #expect(error?.message.contains("2") == true)
        #expect(error?.message.contains("\n#") == false, "no stack of C++ frames")
    }

    @Test("packed linear layers equal plain ones, with activation and with residual")
    func packing() throws {
        let weight = try Tensor((0..<60).map { Float($0 % 7) - 3 }, shape: [6, 10])
        let bias = try Tensor((0..<6).map { Float($0) / 4 }, shape: [6])
        let x = try Tensor((0..<80).map { Float($0 % 11) / 5 - 1 }, shape: [2, 4, 10])
        let residual = try Tensor((0..<48).map { Float($0) }, shape: [2, 4, 6])
        let packed = try #require(try PackedWeight(weight, rows: 8), "this libtorch should have oneDNN")
        let plain = try linear(x, weight: weight, bias: bias)
        #expect(try near(packed(x, bias: bias), plain))
        #expect(try near(packed(x, bias: bias, .gelu), Activation.gelu(plain)))
        #expect(try near(packed(x, bias: bias, .quickGELU), Activation.quickGELU(plain)))
        #expect(try near(packed(x, bias: bias, adding: residual), plain + residual))
        #expect(try near(packed(x, bias: nil), linear(x, weight: weight, bias: nil)))
    }

    @Test("the quick GELU is x times the logistic function of 1.702 x")
    func quickGELU() throws {
        let x: [Float] = [-4, -1, 0, 0.5, 3]
        let made = try Activation.quickGELU(Tensor(x, shape: [5])).floats()
        let expected = x.map { $0 / (1 + exp(-1.702 * $0)) }
        #expect(closeness(made, expected, relative: 1e-4, absolute: 1e-6) <= 1)
    }

    @Test("devices are named cpu, cuda, cuda:N and auto; others, and absent ones, are errors")
    func devices() throws {
        #expect(try Device(named: "cpu") == .cpu)
        #expect(try Device(named: "auto") == (Device.cudaDeviceCount > 0 ? .cuda(0) : .cpu))
        for bad in ["gpu", "cuda:", "cuda:-1", "cuda:999", ""] {
            #expect(throws: TorchError.self, "\(bad)") { try Device(named: bad) }
        }
    }

    @Test("a pool runs every call, no more of them at once than it has engines")
    func pool() async throws {
        let pool = EnginePool(engineCount: 2)
        let gauge = Gauge()
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await pool.run {
                        gauge.enter()
                        defer { gauge.leave() }
                        let sum = try Tensor((0..<1000).map { Float($0 % 10) }, shape: [1000]).logSumExp().floats()[0]
                        return sum > 0 ? number : -1
                    }
                }
            }
            var results: Set<Int> = []
            for try await result in group { results.insert(result) }
            return results
        }
        #expect(results == Set(0..<40))
        #expect(gauge.highest <= 2)
    }

    @Test("a failing call gives its engine back, a cancelled one does not begin")
    func failures() async throws {
        let pool = EnginePool(engineCount: 1)
        struct Stop: Error {}
        await #expect(throws: Stop.self) { try await pool.run { throw Stop() } }
        #expect(try await pool.run { 1 } == 1)
        let group = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                withUnsafeCurrentTask { $0?.cancel() }
                do {
                    _ = try await pool.run { 2 }
                    return false
                } catch { return error is CancellationError }
            }
            return await group.next()
        }
        #expect(group == true)
        #expect(try await pool.run { 3 } == 3)
    }

    private func near(_ a: Tensor, _ b: Tensor) throws -> Bool {
        try a.shape == b.shape && closeness(a.floats(), b.floats(), relative: 1e-5, absolute: 1e-5) <= 1
    }
}
