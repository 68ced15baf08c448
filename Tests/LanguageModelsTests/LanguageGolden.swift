import Decoding
import Foundation
import LanguageModels
import Layers
import Tensors
import TestSupport
import Testing

/// A tiny checkpoint with what transformers made of it: one that `Tests/Goldens/make_language_goldens.py` wrote, or one of the
/// folder that the environment variable GOLDENS names, which has the same form, in part.
struct LanguageGolden: CustomTestStringConvertible, Sendable {
    let directory: String

    init(_ name: String) { directory = Project.root + "/Tests/Goldens/language/" + name }

    init(directory: String) { self.directory = directory }

    /// The folder that GOLDENS names, if it does.
    static let given = ProcessInfo.processInfo.environment["GOLDENS"]

    /// Checkpoints of OPT.
    static let opt = ["opt", "opt-behind"].map { LanguageGolden($0) }
    /// Checkpoints of T5.
    static let t5 = ["t5", "t5-tied"].map { LanguageGolden($0) }
    static let all = opt + t5
    /// Those of GOLDENS, where it is set, or else ours: plain passes only.
    static let plainOPT = given.map { [LanguageGolden(directory: $0 + "/opt")] } ?? opt
    static let plainT5 = given.map { [LanguageGolden(directory: $0 + "/t5")] } ?? t5
    /// BLIP-2 with OPT: of GOLDENS, where it is set, or else ours.
    static let blip2OPT = [given.map { LanguageGolden(directory: $0 + "/blip2_opt") } ?? LanguageGolden("blip2_opt")]

    var testDescription: String { URL(fileURLWithPath: directory).lastPathComponent }

    func tensor(_ name: String) throws -> Tensor {
        try Checkpoint(file: directory + "/golden.safetensors").tensor(name)
    }

    func floats(_ name: String) throws -> [Float] { try tensor(name).floats() }

    /// The rows of a matrix of whole numbers.
    func rows(_ name: String) throws -> [[Int]] {
        let tensor = try tensor(name)
        let (values, width) = (try tensor.integers(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }

    /// A mask of zeros and ones.
    func mask(_ name: String) throws -> [[Bool]] { try rows(name).map { $0.map { $0 == 1 } } }

    func json() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: directory + "/config.json")) }

    func configuration() throws -> LanguageModelConfiguration {
        try LanguageModelConfiguration(json: json())
    }

    func weights(_ dtype: DType = .float32) throws -> Weights {
        try Weights(Checkpoint(directory: directory), dtype, on: .cpu)
    }

    func opt(_ dtype: DType = .float32) throws -> OPT {
        guard case .opt(let configuration) = try configuration() else { preconditionFailure("not OPT") }
        return try OPT(weights(dtype), configuration)
    }

    func t5(_ dtype: DType = .float32) throws -> T5 {
        guard case .t5(let configuration) = try configuration() else { preconditionFailure("not T5") }
        return try T5(weights(dtype), configuration)
    }

    func model(_ dtype: DType = .float32) throws -> any LanguageModel {
        try configuration().model(weights(dtype))
    }

    /// Queries, and behind them prompts of different lengths.
    func given(_ model: some LanguageModel) throws -> PaddedEmbeddings {
        try PaddedEmbeddings(tensor("queries")).followed(by: prompts(model))
    }

    /// The prompts alone.
    func prompts(_ model: some LanguageModel) throws -> PaddedEmbeddings {
        let (ids, mask) = (try rows("input_ids"), try mask("attention_mask"))
        return PaddedEmbeddings(try model.embed(ids).values, isThere: mask)
    }

    /// The token that ends the generated texts.
    func end() throws -> Int { try tensor("end").integers()[0] }
}

/// The largest difference.
func distance(_ a: [Float], _ b: [Float]) -> Float {
    precondition(a.count == b.count, "\(a.count) values against \(b.count)")
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}

extension Tensor {
    /// The elements of the positions `[B, T, _]` for which `mask` is true, all others 0.
    func masked(_ mask: [[Bool]]) throws -> [Float] {
        let (values, width) = (try floats(), shape[2])
        return zip(mask.joined(), 0...).flatMap { there, place in
            there ? Array(values[place * width..<(place + 1) * width]) : [Float](repeating: 0, count: width)
        }
    }
}
