import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@testable import Training

/// A small model's gradients, of one process or of several, each with its rows of one batch of 12.
private struct SmallModel {
    static let rows = 12
    let parameters: Parameters
    let lateBias: Tensor
    private let first: Tensor
    private let second: Tensor

    init() throws {
        func values(_ shape: [Int], _ seed: Int) throws -> Tensor {
            try Tensor((0..<shape.reduce(1, *)).map { Float(($0 * 37 + seed * 11) % 29 - 14) / 17 }, shape: shape)
        }
        parameters = try Parameters(
            [
                "a.first": values([5, 300], 1), "b.second": values([300, 4], 2), "c.late": values([1, 4], 3),
                "d.unused": values([7], 4),
            ], on: .cpu)
        (first, second) = try (#require(parameters["a.first"]), #require(parameters["b.second"]))
        lateBias = try #require(parameters["c.late"])
    }

    /// The share of `rows` of the batch in its loss; the bias is used by the first rows alone.
    func loss(_ rows: Range<Int>) throws -> Tensor {
        var inputs: [Float] = []
        for row in rows { for column in 0..<5 { inputs.append(Float((row * 7 + column * 3) % 11) / 9) } }
        let x = try Tensor(inputs, shape: [rows.count, 5])
        let states: Tensor = try x.exactlyTimes(first).softmax()
        var y: Tensor = try states.exactlyTimes(second)
        if rows.lowerBound == 0 { y = try y + lateBias }
        let squares: Tensor = try y * y
        let share = Double(rows.count) / Double(Self.rows)
        return try squares.mean() * share
    }

    /// The gradients by name; nothing of a parameter that has none.
    func gradients() throws -> [String: [Float]] {
        var all: [String: [Float]] = [:]
        for (name, tensor) in zip(parameters.names, parameters.tensors)
        where (try? clipGradients([tensor], limit: 0)) != nil {
            all[name] = try tensor.gradient().floats()
        }
        return all
    }
}

@Suite("Gradients in buckets") struct BucketReducerTests {
    /// The gradients of three steps by `count` processes, as the last process has them.
    private func trained(by count: Int, bytes: Int, late: Bool = false) throws -> [[String: [Float]]] {
        try GroupMembers.run(count) { group in
            // Products of several threads may have other bits while the processor is busy.
            useThreads(1)
            let model = try SmallModel()
            let reducer = BucketReducer(over: group, byteCount: bytes)
            let share = SmallModel.rows / count
            let own = group.index * share..<(group.index + 1) * share
            return try (0..<3).map { step in
                try clearGradients(model.parameters.tensors)
                // In two passes, of which the first adds to the gradients only.
                let middle = own.lowerBound + (own.lowerBound == 0 ? max(1, share / 2) : share / 2)
                if middle < own.upperBound && step == 2 {
                    try model.loss(own.lowerBound..<middle).backward()
                    if late && group.index == 0 { Thread.sleep(forTimeInterval: 0.02) }
                    try reducer.begin(model.parameters)
                    try model.loss(middle..<own.upperBound).backward()
                } else {
                    try reducer.begin(model.parameters)
                    if late && group.index == count - 1 { Thread.sleep(forTimeInterval: 0.02) }
                    try model.loss(own).backward()
                }
                try reducer.finish(model.parameters)
                return try model.gradients()
            }
        }[count - 1]
    }

    @Test("are those of one process with all the batch, and none where no process has one", arguments: [1, 2, 4])
    func sums(count: Int) throws {
        for bytes in [64, 4000, 1 << 20] {
            let steps = try trained(by: count, bytes: bytes)
            let alone = try SmallModel()
            let share = SmallModel.rows / count
            for own in stride(from: 0, to: SmallModel.rows, by: share) {
                try alone.loss(own..<own + share).backward()
            }
            let expected = try alone.gradients()
            #expect(expected.keys.sorted() == ["a.first", "b.second", "c.late"])
            for (step, gradients) in steps.enumerated() where step < 2 {
                #expect(gradients.keys.sorted() == expected.keys.sorted())
                for (name, values) in expected {
                    let own = try #require(gradients[name])
                    #expect(closeness(own, values, relative: 1e-5, absolute: 1e-6) <= 1, "\(name), step \(step)")
                }
            }
        }
    }

    @Test("have the same bits in any division into buckets, whoever is late", arguments: [2, 3])
    func bits(count: Int) throws {
        let first = try trained(by: count, bytes: 1 << 20)
        #expect(first[0] == first[1])
        #expect(try trained(by: count, bytes: 64) == first)
        #expect(try trained(by: count, bytes: 3000, late: true) == first)
    }

    @Test("a second backward pass after the one that was announced is an error, and no sum")
    func twice() throws {
        let refused = try GroupMembers.run(2) { group in
            let model = try SmallModel()
            let reducer = BucketReducer(over: group)
            try reducer.begin(model.parameters)
            for _ in 0..<2 { try model.loss(0..<4).backward() }
            do {
                try reducer.finish(model.parameters)
                return false
            } catch let error as TorchError {
                return error.message.contains("one backward pass")
            }
        }
        #expect(refused == [true, true])
    }
}
