import Foundation
package import Images
import Layers
import Loading
package import ModelFolders
package import Tensors
import TextTokenizers
import VisionLanguage

/// CLIP's: images and their captions are to be near each other, and far from those of the others in the batch.
package struct ContrastiveObjective: ImageObjective {
    package let directory: ModelDirectory
    package let view: ImageView
    private let configuration: CLIPConfiguration
    private let tokenizer: CLIPTokenizer
    private let normalization: Normalization
    private let softTargets: Bool

    /// Training of the model in the folder `directory`; `softTargets` as in `softTargetLoss`, with vectors as projected.
    package init(directory path: String, softTargets: Bool) throws(ModelError) {
        let directory = try ModelDirectory(path)
        let configuration = try directory.configuration("config.json", CLIPConfiguration.init(json:))
        view = configuration.view
        normalization = try directory.normalization(of: view)
        tokenizer = try directory.tokenizer {
            try CLIPTokenizer(directory: $0, contextLength: configuration.text.positions)
        }
        (self.directory, self.configuration, self.softTargets) = (directory, configuration, softTargets)
    }

    package func tokens(of caption: String) -> [Int] { tokenizer.encode(caption) }

    package func model(on device: Device) throws -> any TrainingModel {
        let (model, parameters) = try directory.trained(on: device) { weights throws(WeightsError) in
            try CLIP(configuration, weights)
        }
        return ContrastiveTraining(objective: self, model: model, parameters: parameters, device: device)
    }

    fileprivate func loss(of batch: TrainingBatch, _ model: CLIP, on device: Device) throws -> Tensor {
        let pixels = try normalizedPixels(batch.pixels, side: view.side, normalization, on: device)
        let texts = batch.tokens.map { $0[0] }
        guard !softTargets else {
            return try softTargetLoss(images: model.projected(images: pixels), texts: model.projected(texts: texts))
        }
        return try contrastiveLoss(images: model.images(pixels), texts: model.texts(texts), scale: model.scale())
    }
}

/// A ranker in training.
private struct ContrastiveTraining: TrainingModel {
    let objective: ContrastiveObjective
    let model: CLIP
    let parameters: Parameters
    let device: Device

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        try pass.only(objective.loss(of: batch, model, on: device))
    }

    /// The scale stays between 1 and 100, as in CLIP's paper.
    func constrain() throws(TorchError) { try parameters["logit_scale"]?.clamp(to: 0...log(100)) }
}
