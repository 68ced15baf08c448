import Decoding
import Layers
import Tensors

// Shape letters of this file: N rows (captions), T new tokens, P past and new tokens, D model width, E width of the
// image states, H heads.

/// One post-norm layer of BLIP's text decoder: causal self-attention, cross-attention to the image, feed-forward.
///
/// Source: transformers `models/blip/modeling_blip_text.py`, `BlipTextLayer`.
struct DecoderLayer {
    private let qkv: Linear
    private let selfOutput: Linear
    private let selfNorm: LayerNorm
    private let crossQuery: Linear
    private let crossKeyValue: Linear
    private let crossOutput: Linear
    private let crossNorm: LayerNorm
    private let intermediate: Linear
    private let output: Linear
    private let outputNorm: LayerNorm
    private let selfAttention: SelfAttention
    private let heads: Int
    private let inference: Bool
    private let activation: Activation

    /// The layer of `weights`; the image's keys and values come from states of width `imageWidth`.
    init(
        _ weights: Weights, _ configuration: DecoderConfiguration, imageWidth: Int, imageRows: Int
    ) throws(WeightsError) {
        let (width, inner, epsilon) = (configuration.width, configuration.innerWidth, configuration.epsilon)
        let (own, cross) = (weights.scoped("attention"), weights.scoped("crossattention"))
        qkv = try Linear(fusing: ["query", "key", "value"], own.scoped("self"), in: width, out: width)
        selfOutput = try Linear(own.scoped("output.dense"), in: width, out: width)
        selfNorm = try LayerNorm(own.scoped("output.LayerNorm"), width, epsilon: epsilon)
        crossQuery = try Linear(cross.scoped("self.query"), in: width, out: width)
        crossKeyValue = try Linear(
            fusing: ["key", "value"], cross.packed(rows: imageRows).scoped("self"), in: imageWidth, out: width)
        crossOutput = try Linear(cross.scoped("output.dense"), in: width, out: width)
        crossNorm = try LayerNorm(cross.scoped("output.LayerNorm"), width, epsilon: epsilon)
        intermediate = try Linear(weights.scoped("intermediate.dense"), in: width, out: inner)
        output = try Linear(weights.scoped("output.dense"), in: inner, out: width)
        outputNorm = try LayerNorm(weights.scoped("output.LayerNorm"), width, epsilon: epsilon)
        heads = configuration.heads
        inference = weights.packingRows != nil
        selfAttention = SelfAttention(heads: heads, causal: true, inference: inference)
        activation = configuration.activation
    }

    /// The keys and values of the image states `[B, S, E]`, made once an image and shared by all its captions.
    func keysValues(_ statesBSE: Tensor) throws(TorchError) -> KeysValues {
        let kv = try crossKeyValue(statesBSE)
        if usesKernels(kv, parts: 2) { return .packed(try PackedKeysValues(kv, heads: heads)) }
        let split = try splitHeads(kv, parts: 2, heads: heads)
        return .plain(keys: split[0], values: split[1])
    }

    /// Maps `[N, T, D]` to `[N, T, D]`; the new tokens' own keys and values are added to `cache` first, where there is one.
    func callAsFunction(
        _ xNTD: Tensor, _ cache: (any LayerCache)?, image: KeysValues, _ layout: RowLayout
    ) throws(TorchError) -> Tensor {
        var hNTD = try selfNorm(selfOutput(selfAttended(qkv(xNTD), cache), adding: xNTD))
        hNTD = try crossNorm(crossOutput(crossAttention(crossQuery(hNTD), image, layout), adding: hNTD))
        return try outputNorm(output(intermediate(hNTD, activation), adding: hNTD))
    }

    private func usesKernels(_ fused: Tensor, parts: Int) -> Bool {
        inference && fused.hasStepKernel(headWidth: fused.shape[2] / (parts * heads))
    }

    /// A text is run from its start, or token by token: only the former needs the mask.
    private func selfAttended(_ qkvNTD: Tensor, _ cache: (any LayerCache)?) throws(TorchError) -> Tensor {
        guard let cache else { return try selfAttention(qkvNTD) }
        let isStep = qkvNTD.shape[1] == 1
        if isStep, usesKernels(qkvNTD, parts: 3), let attended = try cache.step(qkvNTD) { return attended }
        let own = try splitHeads(qkvNTD, parts: 3, heads: heads)
        let tokens = try cache.append(TokenKeysValues(keys: own[1], values: own[2]))
        return try isStep ? mergeHeads(tokens.attended(by: own[0])) : selfAttention(qkvNTD)
    }

    /// The captions of an image are query rows against its one block of keys and values.
    private func crossAttention(
        _ queries: Tensor, _ image: KeysValues, _ layout: RowLayout
    ) throws(TorchError) -> Tensor {
        switch image {
        case .packed(let packed): return try packed.attended(by: queries, rows: layout.counts)
        case .plain(let keys, let values):
            let (tokens, width) = (queries.shape[1], queries.shape[2])
            let grouped = try layout.grouped(queries).reshaped([layout.groups, layout.rowsPerGroup * tokens, width])
            let q = try splitHeads(grouped, parts: 1, heads: heads)[0]
            let attended = try mergeHeads(attention(q, keys, values))
            return try layout.ungrouped(attended.reshaped([layout.groups * layout.rowsPerGroup, tokens, width]))
        }
    }
}

/// An image's keys and values in one layer.
enum KeysValues {
    /// Each `[B, H, S, D/H]`.
    case plain(keys: Tensor, values: Tensor)
    /// For our own kernel.
    case packed(PackedKeysValues)

    /// Both, as they are on a device that has no kernel of ours.
    var plain: (keys: Tensor, values: Tensor) {
        guard case .plain(let keys, let values) = self else {
            preconditionFailure("captions are decoded on a device that packs nothing")
        }
        return (keys, values)
    }
}
