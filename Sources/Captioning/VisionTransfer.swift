import Layers
import Tensors

/// Gives the captioner in the folder `captioner`, which is still to be trained, the image transformer of the ranker in
/// the folder `ranker`.
///
/// For a contrastive loss images must be told apart, whatever their captions leave out. BLIP's image transformer has no
/// norm before the first block, and a bias of the patches where CLIP's has none: the former is left behind, the latter
/// starts at 0. Throws `badWeights` where the two have other sizes.
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
        let zero = try Tensor.empty(old.shape, .float32, on: .cpu)
        try zero.fill(0)
        return zero
    case _ where name.contains("self_attn.qkv."):
        let parts = try ["q", "k", "v"].map { try clip.tensor(name.replacing(".qkv.", with: ".\($0)_proj.")) }
        return try concatenated(parts, dimension: 0)
    default:
        return try clip.tensor(renamed)
    }
}
