package import Decoding
package import Images
import Layers
package import ModelFolders
package import Stages
package import Tensors
import TextTokenizers
import VisionLanguage

/// Judges captions with CLIP: the cosine of the angle between the image's and the text's vector.
package struct CLIPRanker: Ranker {
    package let view: ImageView
    private let model: SharedWeights<CLIP>
    private let tokenizer: CLIPTokenizer
    private let input: ModelInput
    private let engines: EnginePool
    private let use: DeviceUse

    /// Loads the model in the folder `directory` onto the device of `engines`; blocks while it reads.
    package init(
        directory: String, precision: Precision = .auto, engines: EnginePool, use: DeviceUse? = nil
    ) throws(ModelError) {
        let folder = try ModelDirectory(directory)
        let configuration = try folder.configuration("config.json", CLIPConfiguration.init(json:))
        view = configuration.view
        input = ModelInput(
            side: view.side, normalization: try folder.normalization(of: view), device: engines.device)
        let positions = configuration.text.positions
        tokenizer = try folder.tokenizer { try CLIPTokenizer(directory: $0, contextLength: positions) }
        try checkFit(of: tokenizer, to: configuration.text, directory)
        let device = engines.device
        if let obstacle = precision.obstacle(on: device) { throw ModelError(.badOption, directory, obstacle) }
        model = try folder.load { checkpoint throws(WeightsError) in
            let model = try CLIP(configuration, Weights(checkpoint, precision, on: device))
            try preparing("device") { () throws(TorchError) in try device.synchronize() }
            return SharedWeights(model)
        }
        self.use = use ?? DeviceUse(of: device)
        self.engines = engines
    }

    /// Cosine similarity, −1 to 1, of each caption of each request, in the same order.
    package func score(
        _ batch: [RankRequest], moved: @escaping @Sendable () -> Void = {}
    ) async throws -> [[Double]] {
        try await score(batch, times: nil, moved: moved)
    }

    /// The same; adds to `times` what the parts of the model took.
    package func score(
        _ batch: [RankRequest], times: PartTimes?, moved: @escaping @Sendable () -> Void = {}
    ) async throws -> [[Double]] {
        try await engines.map(batch, by: use.batch) { requests in
            defer { moved() }
            return try scores(of: requests, times)
        }
    }

    private func scores(of requests: [RankRequest], _ times: PartTimes?) throws -> [[Double]] {
        let texts = UniqueTexts(requests.map { request in request.captions.map(tokenizer.encode) })
        return try model.infer { model throws(TorchError) in
            let images = try timed(.rankImage, times) { () throws(TorchError) in
                try vectors(model.images(input.pixels(filled(requests.map(\.pixels), to: use.batch))))
            }
            var judged = [[Float]](repeating: [], count: texts.unique.count)
            for part in texts.groups.flatMap(parts) {
                let ids = part.map { texts.unique[$0] }
                // In batches every text is computed in the same shapes too, whatever its neighbours are.
                let length = use.batch > 1 ? (ids[0].count + 15) / 16 * 16 : 0
                let made = try timed(.rankTexts, times) { () throws(TorchError) in
                    try vectors(
                        model.texts(filled(ids, to: use.batch > 1 ? Self.textBatch : 0), length: length))
                }
                for (text, vector) in zip(part, made) { judged[text] = vector }
            }
            return zip(images, texts.indices).map { image, indices in indices.map { cosine(image, judged[$0]) } }
        }
    }

    /// Texts that are computed at once, where images are.
    private static let textBatch = 256

    /// The texts `group`, cut where texts are computed in batches.
    private func parts(of group: [Int]) -> [[Int]] {
        guard use.batch > 1 else { return [group] }
        return stride(from: 0, to: group.count, by: Self.textBatch).map {
            Array(group[$0..<min($0 + Self.textBatch, group.count)])
        }
    }

    private func vectors(_ tensor: Tensor) throws(TorchError) -> [[Float]] {
        let (values, width) = (try tensor.floats(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }

    /// Both have length 1.
    private func cosine(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}

/// The texts of a batch, each once, in groups of about one length: a long one then costs the short ones nothing.
struct UniqueTexts {
    private(set) var unique: [[Int]] = []
    /// For each image and caption the number of its text among the unique ones.
    private(set) var indices: [[Int]] = []

    init(_ texts: [[[Int]]]) {
        var numbers: [[Int]: Int] = [:]
        for captions in texts {
            var row: [Int] = []
            for text in captions {
                if numbers[text] == nil {
                    numbers[text] = unique.count
                    unique.append(text)
                }
                row.append(numbers[text] ?? 0)
            }
            indices.append(row)
        }
    }

    /// The unique texts' numbers: those of up to 16 tokens, of 17 to 32, and so on.
    var groups: [[Int]] {
        let byLength = Dictionary(grouping: unique.indices) { (unique[$0].count - 1) / 16 }
        return byLength.sorted { $0.key < $1.key }.map(\.value)
    }
}
