import Layers
import Tensors

/// Gives the captioner in the folder `captioner`, which is still to be trained, the image transformer of the ranker in
/// the folder `ranker`.
///
/// A contrastive loss teaches a small image transformer far more with each picture than captions do. BLIP's has no norm
/// before the first block, and a bias of the patches where CLIP's has none: the former is left behind, the latter
/// starts at 0.
package func transferVision(from ranker: String, to captioner: String) throws {
    let (source, target) = (try Checkpoint(directory: ranker), try Checkpoint(directory: captioner))
    var tensors: [String: Tensor] = [:]
    for name in target.names {
        let old = try target.tensor(name)
        let new = try name.hasPrefix("vision_model.") ? transferred(name, source, like: old) : old
        guard new.shape == old.shape else {
            throw ModelError(
                .badWeights, ranker,
                "\(name): shape \(new.shape), but the captioner's is \(old.shape): name equal sizes")
        }
        tensors[name] = try new.to(.float32)
    }
    try writeSafetensors(tensors, to: captioner + "/model.safetensors")
}

/// The parameter `name` of BLIP's image transformer, out of CLIP's.
private func transferred(_ name: String, _ clip: Checkpoint, like old: Tensor) throws -> Tensor {
    let renamed = name.replacing("self_attn.projection", with: "self_attn.out_proj")
    switch name {
    case "vision_model.embeddings.class_embedding":
        return try clip.tensor(name).reshaped(old.shape)
    case "vision_model.embeddings.position_embedding":
        return try clip.tensor(name + ".weight").reshaped([1] + clip.tensor(name + ".weight").shape)
    case "vision_model.embeddings.patch_embedding.bias":
        return try old * 0
    case _ where name.contains("self_attn.qkv."):
        let parts = try ["q", "k", "v"].map { try clip.tensor(name.replacing(".qkv.", with: ".\($0)_proj.")) }
        return try concatenated(parts, dimension: 0)
    default:
        return try clip.tensor(renamed)
    }
}
