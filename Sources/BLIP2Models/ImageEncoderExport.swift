package import Layers
package import Tensors
import VisionLanguage

extension ImageEncoderConfiguration {
    /// The parameters of the encoder in `checkpoint`, whatever its layout, by the hub's names, for a model written whole.
    ///
    /// They are those that run, without the blocks and the norm that are left out, as `dtype` or in the element type they are
    /// stored in. The table of positions is that for the configured size of image.
    package func hubTensors(of checkpoint: Checkpoint, as dtype: DType? = nil) throws(WeightsError) -> [PendingTensor] {
        try parameters(of: checkpoint, as: dtype).map { own in
            PendingTensor(name: own.name, dtype: own.dtype, shape: own.shape) { try own.tensor().bytes() }
        }
    }

    /// The parameters of the encoder in `checkpoint`, as `hubTensors(of:as:)`, but by LAVIS's names.
    package func lavisTensors(of checkpoint: Checkpoint) throws(WeightsError) -> [String: Tensor] {
        let layout: ImageEncoderLayout =
            kind == .eva ? .eva(prefix: "visual_encoder.") : .openAI(prefix: "visual_encoder.")
        var (tensors, parts): ([String: Tensor], [String: [Tensor]]) = ([:], [:])
        for own in try parameters(of: checkpoint, as: nil) {
            let name = layout.stored(own.name)
            do {
                let tensor = try own.tensor()
                guard try tensor.isFinite().isAllTrue() else {
                    throw WeightsError(
                        code: .notFinite, file: checkpoint.file(of: own.name), key: own.name,
                        message: "numbers that are not finite: the model is damaged")
                }
                if name.hasSuffix("attn.qkv.bias") {
                    // A bias of keys adds the same to all that a query compares: EVA has none, and it changes nothing.
                    for (number, part) in [(0, "q_bias"), (2, "v_bias")] {
                        tensors[name.replacing("qkv.bias", with: part)] =
                            try tensor.narrowed(0, number * vision.width..<(number + 1) * vision.width).contiguous()
                    }
                } else if name.contains("attn.in_proj_") {
                    parts[name, default: []].append(tensor)
                } else {
                    tensors[name] = tensor
                }
            } catch let error as WeightsError {
                throw error
            } catch {
                throw WeightsError(
                    code: .unreadable, file: checkpoint.file(of: own.name), key: own.name, message: "\(error)")
            }
        }
        for (name, parts) in parts {
            tensors[name] = try preparing(name) { () throws(TorchError) in try concatenated(parts, dimension: 0) }
        }
        return tensors
    }

    /// A parameter by the hub's name, which is made when it is asked for.
    private struct Parameter {
        let name: String
        let shape: [Int]
        let dtype: DType
        let tensor: () throws -> Tensor
    }

    private func parameters(of checkpoint: Checkpoint, as dtype: DType?) throws(WeightsError) -> [Parameter] {
        let layout = try ImageEncoderLayout(of: checkpoint, kind)
        var parameters: [Parameter] = []
        for (name, shape) in hubShapes {
            let stored = layout.stored(name, in: checkpoint)
            let file = checkpoint.file(of: stored)
            guard let found = checkpoint.shape(of: stored) else {
                throw WeightsError(code: .missing, file: file, key: stored, message: "the image encoder needs it")
            }
            let isTable = name.contains("position_embedding")
            guard isTable || found.reduce(1, *) == layout.storedCount(name, stored, shape.reduce(1, *)) else {
                throw WeightsError(
                    code: .wrongShape, file: file, key: stored,
                    message: "shape \(found), but the configuration says \(shape)")
            }
            let type = if let dtype { dtype } else { try storedType(stored, checkpoint) }
            parameters.append(
                Parameter(name: name, shape: shape, dtype: type) {
                    guard !isTable else { return try layout.positions(checkpoint, self, type, .cpu).reshaped(shape) }
                    return try layout.tensor(name, vision.width, checkpoint).reshaped(shape).to(type)
                })
        }
        return parameters
    }

    private func storedType(_ name: String, _ checkpoint: Checkpoint) throws(WeightsError) -> DType {
        try preparing(name, of: checkpoint.file(of: name)) { () throws(TorchError) in
            do {
                return try checkpoint.tensor(name).dtype
            } catch {
                throw TorchError(operation: "read", message: "\(error)")
            }
        }
    }

    /// The names and shapes of the hub's layout.
    package var hubShapes: [(String, [Int])] {
        let (width, inner, side, isEVA) = (vision.width, vision.innerWidth, vision.patchSide, kind == .eva)
        var shapes: [(String, [Int])] = [
            ("embeddings.class_embedding", isEVA ? [1, 1, width] : [width]),
            ("embeddings.position_embedding" + (isEVA ? "" : ".weight"), (isEVA ? [1] : []) + [vision.tokens, width]),
            ("embeddings.patch_embedding.weight", [width, 3, side, side]),
        ]
        if isEVA {
            shapes.append(("embeddings.patch_embedding.bias", [width]))
        } else {
            shapes += [("pre_layrnorm.weight", [width]), ("pre_layrnorm.bias", [width])]
        }
        for layer in 0..<vision.layers {
            var maps: [(String, [Int])] = isEVA ? [("self_attn.qkv", [3 * width, width])] : []
            if !isEVA { maps += ["q", "k", "v"].map { ("self_attn.\($0)_proj", [width, width]) } }
            maps += [
                ("self_attn." + (isEVA ? "projection" : "out_proj"), [width, width]), ("layer_norm1", [width]),
                ("layer_norm2", [width]), ("mlp.fc1", [inner, width]), ("mlp.fc2", [width, inner]),
            ]
            for (map, shape) in maps {
                shapes.append(("encoder.layers.\(layer).\(map).weight", shape))
                shapes.append(("encoder.layers.\(layer).\(map).bias", [shape[0]]))
            }
        }
        return shapes.map { ("vision_model." + $0, $1) }
    }
}

extension ImageEncoderLayout {
    /// What `checkpoint` calls the hub's `name`: EVA's own checkpoints have two biases in place of three.
    func stored(_ name: String, in checkpoint: Checkpoint) -> String {
        let usual = stored(name)
        return checkpoint.shape(of: usual) == nil ? usual.replacing("attn.qkv.bias", with: "attn.q_bias") : usual
    }

    /// What this layout calls the hub's `name`; where it puts several together, the name of what holds it.
    func stored(_ name: String) -> String {
        let prefix: String
        let renames: [(String, String)]
        switch self {
        case .hubCLIP, .hubEVA: return name
        case .eva(let own):
            prefix = own
            renames = [
                ("embeddings.class_embedding", "cls_token"), ("embeddings.position_embedding", "pos_embed"),
                ("embeddings.patch_embedding", "patch_embed.proj"), ("encoder.layers.", "blocks."),
                ("layer_norm", "norm"), ("self_attn.projection", "attn.proj"), ("self_attn.qkv", "attn.qkv"),
            ]
        case .openAI(let own):
            prefix = own
            renames = [
                ("embeddings.class_embedding", "class_embedding"),
                ("embeddings.position_embedding.weight", "positional_embedding"),
                ("embeddings.patch_embedding", "conv1"), ("pre_layrnorm", "ln_pre"),
                ("encoder.layers.", "transformer.resblocks."), ("layer_norm", "ln_"),
                ("self_attn.out_proj", "attn.out_proj"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
                ("self_attn.q_proj.", "attn.in_proj_"), ("self_attn.k_proj.", "attn.in_proj_"),
                ("self_attn.v_proj.", "attn.in_proj_"),
            ]
        }
        return prefix
            + renames.reduce(String(name.dropFirst("vision_model.".count))) { $0.replacing($1.0, with: $1.1) }
    }

    /// The elements of what is stored for a parameter of `count` elements.
    func storedCount(_ name: String, _ stored: String, _ count: Int) -> Int {
        if stored.hasSuffix("attn.q_bias") { return count / 3 }
        return stored.contains("attn.in_proj_") ? 3 * count : count
    }

    /// The parameter that the hub calls `name`, as it is stored.
    func tensor(_ name: String, _ width: Int, _ checkpoint: Checkpoint) throws -> Tensor {
        let stored = stored(name, in: checkpoint)
        if stored.hasSuffix("attn.q_bias") {
            let query = try checkpoint.tensor(stored)
            let value = try checkpoint.tensor(stored.replacing("q_bias", with: "v_bias"))
            return try concatenated([query, query - query, value], dimension: 0)
        }
        if let part = ["q_proj", "k_proj", "v_proj"].firstIndex(where: name.contains), case .openAI = self {
            return try checkpoint.tensor(stored).narrowed(0, part * width..<(part + 1) * width)
        }
        return try checkpoint.tensor(stored)
    }
}
