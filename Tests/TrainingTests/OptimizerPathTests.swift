import Foundation
import Tensors
import TestSupport
import Testing
import Training

@Suite("The optimizer on its schedule")
struct OptimizerPathTests {
    /// `optim` of the folder that the environment variable GOLDENS names, else what
    /// `Tests/Goldens/make_training_goldens.py` wrote, which has the same form.
    private let path =
        (ProcessInfo.processInfo.environment["GOLDENS"] ?? Project.root + "/Tests/Goldens/training")
        + "/optim/golden.safetensors"

    /// The rates, in float64, a type that models are not read in.
    private func rates() throws -> [Double] {
        let file = try Data(contentsOf: URL(fileURLWithPath: path))
        let headerLength = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONSerialization.jsonObject(with: file[8..<8 + headerLength]) as? [String: Any]
        let entry = try #require(header?["lr"] as? [String: Any])
        try #require(entry["dtype"] as? String == "F64")
        let range = try #require(entry["data_offsets"] as? [Int])
        let bytes = Array(file[(8 + headerLength + range[0])..<(8 + headerLength + range[1])])
        return stride(from: 0, to: bytes.count, by: 8).map { start in
            Double(bitPattern: bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    @Test("takes the path of PyTorch's AdamW at the rates of LAVIS's schedule")
    func course() throws {
        let golden = try Checkpoint(file: path)
        let schedule = Schedule(
            peak: 1e-4, floor: 1e-5, warmUpSteps: 5, steps: 40, course: .byEpochs(stepsPerEpoch: 4, start: 1e-6))
        let parameters = try ["p0", "q0"].map { try golden.tensor($0).parameter() }
        let optimizer = try AdamW([
            AdamW.Group([parameters[0]], decay: 0.05), AdamW.Group([parameters[1]], decay: 0),
        ])
        let rates = try rates()
        try #require(rates.count == 12)
        for (step, expected) in rates.enumerated() {
            let rate = schedule.rate(at: step + 1)
            #expect(abs(rate - expected) < 1e-12, "step \(step + 1)")
            try clearGradients(parameters)
            for (parameter, name) in zip(parameters, ["gp", "gq"]) {
                // The gradient of a sum of products with constants are the constants.
                let slopes = try golden.tensor(name).narrowed(0, step..<step + 1).reshaped(parameter.shape)
                let count = Double(parameter.shape.reduce(1, *))
                try ((parameter * slopes).mean() * count).backward()
            }
            try optimizer(step: step + 1, rate: rate)
            let made = try parameters.flatMap { try $0.detached().floats() }
            let wanted = try golden.tensor("trajectory").narrowed(0, step..<step + 1).floats()
            #expect(zip(made, wanted).allSatisfy { abs($0 - $1) < 1e-6 }, "step \(step + 1)")
        }
    }
}
