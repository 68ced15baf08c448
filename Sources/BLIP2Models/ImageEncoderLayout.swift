import Layers
import Tensors
import VisionLanguage

/// How a checkpoint names the parameters of an image encoder.
enum ImageEncoderLayout: Equatable {
    /// transformers' `CLIPModel`.
    case hubCLIP
    /// transformers' BLIP-2 models.
    case hubEVA
    /// OpenAI's CLIP and LAVIS's copy of it, behind a prefix.
    case openAI(prefix: String)
    /// EVA's own and LAVIS's copy of it, behind a prefix.
    case eva(prefix: String)

    /// The layout that `checkpoint` has.
    init(of checkpoint: Checkpoint, _ kind: ImageEncoderConfiguration.Kind) throws(WeightsError) {
        func has(_ name: String) -> Bool { checkpoint.shape(of: name) != nil }
        let prefixes = ["visual_encoder.", "visual.", ""]
        switch kind {
        case .clip:
            if has("vision_model.pre_layrnorm.weight") {
                self = .hubCLIP
                return
            }
            if let prefix = prefixes.first(where: { has($0 + "ln_pre.weight") }) {
                self = .openAI(prefix: prefix)
                return
            }
        case .eva:
            if has("vision_model.embeddings.patch_embedding.bias") {
                self = .hubEVA
                return
            }
            if let prefix = prefixes.first(where: { has($0 + "patch_embed.proj.bias") }) {
                self = .eva(prefix: prefix)
                return
            }
        }
        let name = kind == .clip ? "vision_model.pre_layrnorm.weight" : "vision_model.embeddings.patch_embedding.bias"
        throw WeightsError(
            code: .missing, file: checkpoint.files.first?.path ?? "", key: name,
            message: "no image encoder of \(kind == .clip ? "CLIP" : "EVA-CLIP") in any layout that is known here: "
                + "transformers', LAVIS's, or the original's")
    }

    /// The name of the table of positions.
    var positionName: String {
        switch self {
        case .hubCLIP: "vision_model.embeddings.position_embedding.weight"
        case .hubEVA: "vision_model.embeddings.position_embedding"
        case .openAI(let prefix): prefix + "positional_embedding"
        case .eva(let prefix): prefix + "pos_embed"
        }
    }

    /// The name of the token before the patches.
    private var classTokenName: String {
        switch self {
        case .hubCLIP, .hubEVA: "vision_model.embeddings.class_embedding"
        case .openAI(let prefix): prefix + "class_embedding"
        case .eva(let prefix): prefix + "cls_token"
        }
    }

    /// The encoder of `weights` with the table `positions`, `[1, T, D]` or `[T, D]`.
    func transformer(
        _ weights: Weights, _ vision: VisionConfiguration, positions: Tensor
    ) throws(WeightsError) -> VisionTransformer {
        let width = vision.width
        let isEVA =
            switch self {
            case .hubEVA, .eva: true
            case .hubCLIP, .openAI: false
            }
        let token = try weights.tensor(classTokenName, isEVA ? [1, 1, width] : [width])
        let (patch, before, names): (String, String?, BlockNames) =
            switch self {
            case .hubCLIP:
                // The misspelt name is the checkpoint's.
                ("vision_model.embeddings.patch_embedding", "vision_model.pre_layrnorm", .clip)
            case .hubEVA: ("vision_model.embeddings.patch_embedding", nil, .blip)
            case .openAI(let prefix): (prefix + "conv1", prefix + "ln_pre", .openAI)
            case .eva(let prefix): (prefix + "patch_embed.proj", nil, .eva)
            }
        var norm: LayerNorm?
        if let before { norm = try LayerNorm(weights.scoped(before), width, epsilon: vision.epsilon) }
        let parts = VisionParts(
            patch: try visionPatch(weights.scoped(patch), vision, bias: isEVA),
            classToken: token, position: positions, before: norm)
        var blocks: [TransformerBlock] = []
        for layer in 0..<vision.layers {
            let scope = weights.scoped(block(layer))
            blocks.append(try TransformerBlock(scope, vision.block, qkv: qkv(scope, width), names: names))
        }
        return VisionTransformer(vision, parts, blocks: blocks, after: nil)
    }

    /// The name of block `layer`.
    func block(_ layer: Int) -> String {
        switch self {
        case .hubCLIP, .hubEVA: "vision_model.encoder.layers.\(layer)"
        case .openAI(let prefix): prefix + "transformer.resblocks.\(layer)"
        case .eva(let prefix): prefix + "blocks.\(layer)"
        }
    }

    /// Queries, keys and values of a block as one layer.
    private func qkv(_ block: Weights, _ width: Int) throws(WeightsError) -> Linear {
        switch self {
        case .hubCLIP:
            return try Linear(
                fusing: ["q_proj", "k_proj", "v_proj"], block.scoped("self_attn"), in: width, out: width)
        case .hubEVA: return try Linear(block.scoped("self_attn.qkv"), in: width, out: 3 * width)
        case .openAI:
            return try Linear(
                block, "attn.in_proj_weight", block.tensor("attn.in_proj_weight", [3 * width, width]),
                block.tensor("attn.in_proj_bias", [3 * width]))
        case .eva:
            let weight = try block.tensor("attn.qkv.weight", [3 * width, width])
            return try Linear(block, "attn.qkv.weight", weight, evaBias(block, width))
        }
    }

    /// The bias of queries, keys and values; EVA has none for keys.
    private func evaBias(_ block: Weights, _ width: Int) throws(WeightsError) -> Tensor {
        guard !block.has("attn.qkv.bias") else { return try block.tensor("attn.qkv.bias", [3 * width]) }
        let (query, value) = (try block.tensor("attn.q_bias", [width]), try block.tensor("attn.v_bias", [width]))
        return try preparing("attn.q_bias") { () throws(TorchError) in
            try concatenated([query, query - query, value], dimension: 0)
        }
    }
}
