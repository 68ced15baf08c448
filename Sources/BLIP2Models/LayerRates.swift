import Foundation
import VisionLanguage

extension ImageEncoderConfiguration {
    /// What the learning rate of the parameter that the hub calls `name` is multiplied by where it falls by `decay` from layer
    /// to layer, from the top down; 1 for what is not the encoder's.
    ///
    /// The last block has `decay`, and patches, class token, positions and the norm behind them have `decay` to the number of
    /// blocks and one.
    ///
    /// Source: LAVIS `lavis/models/blip2_models/blip2.py`, `Blip2Base.get_optimizer_params`, and `lavis/models/eva_vit.py`,
    /// `VisionTransformer.get_num_layer`, whose factors LAVIS does not apply; Bao et al., "BEiT", 2022.
    package func rateFactor(of name: String, decay: Double) -> Double {
        guard PhaseOneLayout.isImageEncoder(name) else { return 1 }
        let parts = name.split(separator: ".")
        let block = name.hasPrefix("vision_model.encoder.layers.") ? Int(parts[3]) : nil
        return pow(decay, Double(vision.layers - (block ?? -1)))
    }
}
