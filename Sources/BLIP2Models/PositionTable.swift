import Layers
import Tensors
import VisionLanguage

extension ImageEncoderLayout {
    /// The table of positions `[1, T, D]` for the size of image that `configuration` says, as `dtype` on `device`.
    ///
    /// The class token's place is kept, the patches' are seen as an image and resized in float32: EVA's with corners that
    /// lie on pixels' edges, CLIP's with corners that stay where they are.
    ///
    /// Source: LAVIS `lavis/models/eva_vit.py` and `lavis/models/clip_vit.py`, `interpolate_pos_embed`; transformers
    /// `Blip2VisionEmbeddings.interpolate_pos_encoding`.
    func positions(
        _ checkpoint: Checkpoint, _ configuration: ImageEncoderConfiguration, _ dtype: DType, _ device: Device
    ) throws(WeightsError) -> Tensor {
        let (name, width, grid) = (positionName, configuration.vision.width, configuration.vision.grid)
        let stored = checkpoint.shape(of: name) ?? []
        let rows = stored.count < 2 ? 0 : stored[stored.count - 2]
        let side = Int(Double(max(rows - 1, 0)).squareRoot().rounded())
        guard side > 0, side * side == rows - 1 else {
            throw WeightsError(
                code: stored.isEmpty ? .missing : .wrongShape, file: checkpoint.file(of: name), key: name,
                message: stored.isEmpty
                    ? "the image encoder needs it"
                    : "shape \(stored), but it should hold a class token and a square of patches")
        }
        let table = try Weights(checkpoint, DType.float32, on: .cpu).tensor(
            name, stored.count == 3 ? [1, rows, width] : [rows, width])
        return try preparing(name, of: checkpoint.file(of: name)) { () throws(TorchError) in
            let tableTD = try table.reshaped([rows, width])
            guard side != grid else { return try tableTD.reshaped([1, rows, width]).to(dtype, on: device) }
            let image = try tableTD.narrowed(0, 1..<rows).reshaped([1, side, side, width]).permuted([0, 3, 1, 2])
            let resized = try image.contiguous().resizedBicubic(
                height: grid, width: grid, alignCorners: configuration.kind == .clip)
            let patches = try resized.permuted([0, 2, 3, 1]).reshaped([grid * grid, width])
            return try concatenated([tableTD.narrowed(0, 0..<1), patches], dimension: 0)
                .reshaped([1, grid * grid + 1, width]).to(dtype, on: device)
        }
    }
}
