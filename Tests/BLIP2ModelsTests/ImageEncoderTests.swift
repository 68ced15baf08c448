import BLIP2Models
import Foundation
import Layers
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("Frozen image encoders, against transformers")
struct ImageEncoderTests {
    /// What `encoder` makes of an image, and what the reference made of it.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let kind: ImageEncoderConfiguration.Kind
        let directory: String
        let golden: String
        let pixels: String
        let states: String
        var testDescription: String { name }

        func configuration() throws -> ImageEncoderConfiguration {
            let json = try Data(contentsOf: URL(fileURLWithPath: directory + "/config.json"))
            let stored = try ImageEncoderConfiguration(json: json)
            return stored.with(imageSide: try Checkpoint(file: golden).tensor(pixels).shape[3])
        }

        func states(_ precision: Precision, _ checkpoint: Checkpoint? = nil) throws -> Tensor {
            let encoder = try ImageEncoder(
                checkpoint ?? Checkpoint(directory: directory), configuration(), precision, on: .cpu)
            return try encoder(Checkpoint(file: golden).tensor(pixels))
        }

        func expected() throws -> [Float] { try Checkpoint(file: golden).tensor(states).floats() }
    }

    private static let goldens = Project.root + "/Tests/Goldens"

    static let cases: [Case] =
        PhaseOneGolden.all.map { golden in
            Case(
                name: "EVA " + golden.testDescription, kind: .eva, directory: golden.directory,
                golden: golden.directory + "/golden.safetensors", pixels: "pixel_values", states: "vision_encoder_out")
        }
        + PhaseOneGolden.given.map { folder in
            Case(
                name: "CLIP", kind: .clip, directory: folder + "/clip", golden: folder + "/clip/golden.safetensors",
                pixels: "pixel_values", states: "vision_hidden_minus1")
        }
        + ["even", "odd"].map { name in
            Case(
                name: "EVA \(name), larger images", kind: .eva, directory: goldens + "/blip2/" + name,
                golden: goldens + "/blip2/\(name)/golden.safetensors", pixels: "larger.pixel_values",
                states: "larger.vision_encoder_out")
        }
        + ["clip-even", "clip-odd"].flatMap { name in
            [("", ""), ("larger.", ", larger images")].map { part, words in
                Case(
                    name: name + words, kind: .clip, directory: goldens + "/models/" + name,
                    golden: goldens + "/blip2/encoders.safetensors", pixels: "\(name).\(part)pixel_values",
                    states: "\(name).\(part)states")
            }
        }

    @Test("states are equal within 1e-4, with tables of positions resized as each reference does", arguments: cases)
    func states(_ encoder: Case) throws {
        #expect(try distance(encoder.states(.float32).floats(), encoder.expected()) <= 1e-4)
    }

    @Test("other precisions stay near float32", arguments: cases, [Precision.bfloat16, .float16, .int8])
    func precisions(_ encoder: Case, _ precision: Precision) throws {
        if let obstacle = precision.obstacle(on: .cpu) { try Test.cancel(Comment(rawValue: obstacle)) }
        let (made, expected) = (try encoder.states(precision), try encoder.expected())
        #expect(made.dtype == precision.dtype(on: .cpu))
        let size = expected.map(abs).max() ?? 0
        #expect(try distance(made.floats(), expected) <= 0.06 * size)
    }

    @Test("the original's and LAVIS's names give the same, and what is exported has the hub's", arguments: cases)
    func layouts(_ encoder: Case) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let stored = try Checkpoint(directory: encoder.directory)
        // EVA has no bias for keys: it is 0 in what both layouts hold.
        let hub = try encoder.configuration().hubTensors(of: stored)
        var tensors: [String: Tensor] = [:]
        for pending in hub {
            try writeSafetensors([pending], to: folder + "/one.safetensors")
            let tensor = try Checkpoint(file: folder + "/one.safetensors").tensor(pending.name).to(.float32) * 1
            if pending.name.hasSuffix("qkv.bias") {
                let width = tensor.count / 3
                try tensor.narrowed(0, width..<2 * width).fill(0)
            }
            tensors[pending.name] = tensor
        }
        try writeSafetensors(tensors, to: folder + "/hub.safetensors")
        for prefix in ["visual_encoder.", "visual.", ""] {
            let renamed = encoder.kind == .eva ? try eva(tensors, prefix) : try openAI(tensors, prefix)
            try writeSafetensors(renamed, to: folder + "/lavis.safetensors")
            let lavis = try Checkpoint(file: folder + "/lavis.safetensors")
            let hubStates = try encoder.states(.float32, Checkpoint(file: folder + "/hub.safetensors"))
            #expect(try encoder.states(.float32, lavis).bytes() == hubStates.bytes(), "\(prefix)")
            try writeSafetensors(
                encoder.configuration().hubTensors(of: lavis), to: folder + "/again.safetensors")
            let again = try Checkpoint(file: folder + "/again.safetensors")
            #expect(again.names == tensors.keys.sorted())
            for (name, tensor) in tensors {
                #expect(try again.tensor(name).bytes() == tensor.bytes(), "\(name)")
            }
        }
    }

    /// The names of `lavis/models/eva_vit.py`.
    private func eva(_ tensors: [String: Tensor], _ prefix: String) throws -> [String: Tensor] {
        var renamed: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            let own = name.dropFirst("vision_model.".count)
                .replacing("embeddings.class_embedding", with: "cls_token")
                .replacing("embeddings.position_embedding", with: "pos_embed")
                .replacing("embeddings.patch_embedding", with: "patch_embed.proj")
                .replacing("encoder.layers", with: "blocks").replacing("layer_norm", with: "norm")
                .replacing("self_attn.projection", with: "attn.proj").replacing("self_attn.qkv", with: "attn.qkv")
            if own.hasSuffix("qkv.bias") {
                let width = tensor.count / 3
                let stem = prefix + own.dropLast("qkv.bias".count)
                renamed[stem + "q_bias"] = try tensor.narrowed(0, 0..<width)
                renamed[stem + "v_bias"] = try tensor.narrowed(0, 2 * width..<3 * width)
            } else {
                renamed[prefix + own] = tensor
            }
        }
        return renamed
    }

    /// The names of `lavis/models/clip_vit.py`.
    private func openAI(_ tensors: [String: Tensor], _ prefix: String) throws -> [String: Tensor] {
        var renamed: [String: Tensor] = [:]
        for (name, tensor) in tensors where !name.contains("k_proj") && !name.contains("v_proj") {
            let own = name.dropFirst("vision_model.".count)
                .replacing("embeddings.class_embedding", with: "class_embedding")
                .replacing("embeddings.position_embedding.weight", with: "positional_embedding")
                .replacing("embeddings.patch_embedding", with: "conv1").replacing("pre_layrnorm", with: "ln_pre")
                .replacing("encoder.layers", with: "transformer.resblocks").replacing("layer_norm", with: "ln_")
                .replacing("self_attn.out_proj", with: "attn.out_proj").replacing("mlp.fc1", with: "mlp.c_fc")
                .replacing("mlp.fc2", with: "mlp.c_proj").replacing("self_attn.q_proj.", with: "attn.in_proj_")
            guard name.contains("q_proj") else {
                renamed[prefix + own] = tensor
                continue
            }
            let parts = ["q_proj", "k_proj", "v_proj"].compactMap { tensors[name.replacing("q_proj", with: $0)] }
            renamed[prefix + own] = try concatenated(parts, dimension: 0)
        }
        return renamed
    }

    @Test("a checkpoint without an encoder of the kind is refused, and so is one of another size")
    func refusals() throws {
        let clip = try Checkpoint(directory: Self.goldens + "/models/clip-even")
        #expect(throws: WeightsError.self) { try ImageEncoder(clip, .vitG14, .float32, on: .cpu) }
        #expect(throws: WeightsError.self) { try ImageEncoder(clip, .vitL14, .float32, on: .cpu) }
        #expect(throws: WeightsError.self) { try ImageEncoderConfiguration.vitL14.hubTensors(of: clip) }
    }
}
