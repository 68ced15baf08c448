import Layers
import ModelFolders
import Tensors

/// Gives the model in the folder `target`, which is still to be trained, the image transformer of the model in `source`.
///
/// Each may be a captioner or a ranker. For a contrastive loss images must be told apart, whatever their captions leave out;
/// for a captioner every word of a caption must be seen: what one has learned, the other need not learn again. CLIP's image
/// transformer has a norm in front of the first block, which stays as it is where a captioner's is taken over, and is left
/// behind where a ranker's is; BLIP's has a bias of the patches, which is the same as one of all positions but the first.
/// Throws `badWeights` where the two have other sizes.
package func transferVision(from source: String, to target: String) throws {
    let (old, new) = (try Checkpoint(directory: target), try VisionWeights(source))
    let isRanker = old.isRanker
    var tensors: [String: Tensor] = [:]
    for name in old.names {
        let tensor = try old.tensor(name)
        let taken = try name.hasPrefix("vision_model.") ? new.tensor(name, forRanker: isRanker, like: tensor) : tensor
        guard taken.shape == tensor.shape else {
            throw ModelError(
                .badWeights, source, "\(name): shape \(taken.shape), but want \(tensor.shape): name equal sizes")
        }
        tensors[name] = try taken.to(.float32)
    }
    try writeSafetensors(tensors, to: target + "/model.safetensors")
}

extension Checkpoint {
    /// Whether this is CLIP, by a name that only CLIP has, and misspelt.
    fileprivate var isRanker: Bool { names.contains("vision_model.pre_layrnorm.weight") }
}

/// The image transformer of a captioner or a ranker, under the names of either.
private struct VisionWeights {
    private let checkpoint: Checkpoint

    init(_ directory: String) throws { checkpoint = try Checkpoint(directory: directory) }

    func tensor(_ name: String, forRanker: Bool, like old: Tensor) throws -> Tensor {
        guard checkpoint.isRanker != forRanker else { return try checkpoint.tensor(name) }
        return try forRanker ? rankerTensor(name, like: old) : captionerTensor(name, like: old)
    }

    /// The parameter `name` of BLIP, out of CLIP's.
    private func captionerTensor(_ name: String, like old: Tensor) throws -> Tensor {
        switch name {
        case "vision_model.embeddings.class_embedding":
            return try checkpoint.tensor(name).reshaped(old.shape)
        case "vision_model.embeddings.position_embedding":
            let table = try checkpoint.tensor(name + ".weight")
            return try table.reshaped([1] + table.shape)
        case "vision_model.embeddings.patch_embedding.bias":
            let zero = try Tensor.empty(old.shape, .float32, on: .cpu)
            try zero.fill(0)
            return zero
        case _ where name.contains("self_attn.qkv."):
            let parts = try ["q", "k", "v"].map { try checkpoint.tensor(name.replacing(".qkv.", with: ".\($0)_proj.")) }
            return try concatenated(parts, dimension: 0)
        default:
            return try checkpoint.tensor(name.replacing("self_attn.projection", with: "self_attn.out_proj"))
        }
    }

    /// The parameter `name` of CLIP, out of BLIP's.
    private func rankerTensor(_ name: String, like old: Tensor) throws -> Tensor {
        switch name {
        case "vision_model.embeddings.class_embedding":
            return try checkpoint.tensor(name).reshaped(old.shape)
        case "vision_model.embeddings.position_embedding.weight":
            let table = try checkpoint.tensor("vision_model.embeddings.position_embedding").to(.float32)
            let bias = try checkpoint.tensor("vision_model.embeddings.patch_embedding.bias").to(.float32)
            let positions = try table.reshaped([table.shape[1], table.shape[2]])
            let patches = try positions.narrowed(0, 1..<positions.shape[0]) + bias
            return try concatenated([positions.narrowed(0, 0..<1), patches], dimension: 0)
        case _ where name.contains("pre_layrnorm"):
            return old
        case _ where name.contains("_proj.") && !name.contains("out_proj"):
            let order = ["q_proj", "k_proj", "v_proj"]
            let part = order.firstIndex { name.contains($0) } ?? 0
            let fused = try checkpoint.tensor(name.replacing(order[part], with: "qkv"))
            let width = fused.shape[0] / 3
            return try fused.narrowed(0, (part * width)..<((part + 1) * width)).contiguous()
        default:
            return try checkpoint.tensor(name.replacing("self_attn.out_proj", with: "self_attn.projection"))
        }
    }
}
