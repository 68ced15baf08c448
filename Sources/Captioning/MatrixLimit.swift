import Layers
package import Tensors

/// What this machine's engines reach in matrix products alone, side by side as when they caption: the limit that a
/// model's parts are measured by.
package enum MatrixLimit {
    /// The layers of ViT-L, `[out, in]`: queries, keys and values; projection; both of the feed-forward block.
    private static let layers = [[3072, 1024], [1024, 1024], [4096, 1024], [1024, 4096]]

    /// Billions of operations a second of all `engines` together, at `rows` rows in `precision`: the best of `rounds`.
    package static func measure(
        _ engines: EnginePool, _ precision: Precision, rows: Int, rounds: Int = 4
    ) async throws -> Double {
        try await withThrowingTaskGroup(of: Double.self) { group in
            for _ in 0..<engines.engineCount {
                group.addTask {
                    try await engines.run { try inference { try best(precision, engines.device, rows, rounds) } }
                }
            }
            var sum = 0.0
            for try await rate in group { sum += rate }
            return sum
        }
    }

    private static func best(_ precision: Precision, _ device: Device, _ rows: Int, _ rounds: Int) throws -> Double {
        var made: [(weight: PackedWeight, x: Tensor)] = []
        for shape in layers {
            let dtype = precision.dtype(on: device)
            let weight = try ramp(shape).to(dtype, on: device)
            let packed = try precision == .int8 ? PackedWeight(int8: weight) : PackedWeight(weight, rows: rows)
            guard let packed else { return 0 }  // nothing to measure with
            made.append((packed, try ramp([1, rows, shape[1]]).to(dtype, on: device)))
        }
        let operations = layers.map { 2 * Double(rows * $0[0] * $0[1]) }.reduce(0, +)
        var rates: [Double] = []
        for _ in 0...rounds {  // the first warms up
            let start = ContinuousClock.now
            for (weight, x) in made { _ = try weight(x, bias: nil) }
            rates.append(operations / ((ContinuousClock.now - start) / .seconds(1)) * 1e-9)
        }
        return rates.dropFirst().max() ?? 0
    }

    private static func ramp(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Tensor((0..<shape.reduce(1, *)).map { Float($0 % 251) / 125 - 1 }, shape: shape)
    }
}
