import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Checkpoints in shards")
struct ShardedCheckpointTests {
    /// What stops a writer midway.
    private struct Stop: Error {}

    private func tensor(_ name: String, _ count: Int, _ value: Float = 1) -> PendingTensor {
        PendingTensor(name: name, dtype: .float32, shape: [count]) {
            try Tensor([Float](repeating: value, count: count), shape: [count]).bytes()
        }
    }

    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Writes an index in `folder` that says `map`, and opens what it names.
    private func open(_ map: [String: String], in folder: String) throws -> Checkpoint {
        let json = try JSONSerialization.data(withJSONObject: ["weight_map": map])
        try json.write(to: URL(fileURLWithPath: folder + "/model.safetensors.index.json"))
        return try Checkpoint(directory: folder)
    }

    @Test("are written in the given order, each of as many bytes as fit, and read back as one")
    func split() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tensors = [("c", 10), ("a", 10), ("large", 100), ("b", 5), ("d", 15), ("e", 1)].map { tensor($0.0, $0.1) }
        try writeWeights(tensors, to: folder, shardByteCount: 80)
        #expect(
            try names(in: folder) == (1...4).map { "model-0000\($0)-of-00004.safetensors" } + [
                "model.safetensors.index.json"
            ])
        let expected = [["a", "c"], ["large"], ["b", "d"], ["e"]]
        for (number, names) in expected.enumerated() {
            let shard = "\(folder)/model-0000\(number + 1)-of-00004.safetensors"
            #expect(try SafetensorsFile(shard).names == names)
        }
        let read = try Checkpoint(directory: folder)
        #expect(read.names == ["a", "b", "c", "d", "e", "large"] && read.files.count == 4)
        #expect(try read.tensor("large").floats() == [Float](repeating: 1, count: 100))
        #expect(read.file(of: "d") == folder + "/model-00003-of-00004.safetensors")
    }

    @Test("take the place of older weights, which a reader sees whole until then; what is left of them goes")
    func replaced() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func value() throws -> Float? { try Checkpoint(directory: folder).tensor("x").floats().first }
        func write(_ value: Float, _ most: Int, fails: Bool = false) throws {
            let last = PendingTensor(name: "z", dtype: .float32, shape: [1]) { throw Stop() }
            let tensors = [tensor("x", 10, value), tensor("y", 10, value)] + (fails ? [last] : [])
            try writeWeights(tensors, to: folder, shardByteCount: most)
        }
        try write(1, 1000)
        #expect(try names(in: folder) == ["model.safetensors"])
        for most in [40, 1000] {
            #expect(throws: Stop.self) { try write(2, most, fails: true) }
            #expect(try value() == 1)
        }
        try write(3, 40)
        #expect(try value() == 3)
        #expect(try names(in: folder).filter { $0.contains("-of-") }.count == 2)
        #expect(try names(in: folder).contains("model.safetensors") == false)
        // Shards that may be of either have no index: they are no weights.
        #expect(throws: Stop.self) { try write(4, 40, fails: true) }
        let none = #expect(throws: CheckpointError.self) { try value() }
        #expect(none?.message.contains("needs the index") == true)
        try write(5, 1000)
        #expect(try value() == 5)
        #expect(try names(in: folder) == ["model.safetensors"])
    }

    @Test("are read by transformers, and its shards are read here")
    func transformers() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func python(_ script: String) throws {
            try Python.run(script, [folder])
        }
        try python(
            """
            import sys, torch
            from transformers import BertConfig, BertModel
            from safetensors.torch import save_file
            model = BertModel(BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                         intermediate_size=32, max_position_embeddings=20))
            model.save_pretrained(sys.argv[1] + "/theirs", max_shard_size="4KB")
            save_file({name: value.contiguous() for name, value in model.state_dict().items()}, sys.argv[1] + "/all.safetensors")
            """)
        let (theirs, all) = (
            try Checkpoint(directory: folder + "/theirs"), try SafetensorsFile(folder + "/all.safetensors")
        )
        #expect(theirs.files.count > 3 && theirs.names == all.names)
        for name in all.names { #expect(try theirs.tensor(name).bytes() == all.tensor(name).bytes()) }
        try FileManager.default.createDirectory(atPath: folder + "/ours", withIntermediateDirectories: true)
        let pending = try theirs.names.map { name in
            let tensor = try theirs.tensor(name)
            return PendingTensor(name: name, dtype: tensor.dtype, shape: tensor.shape) { try tensor.bytes() }
        }
        try writeWeights(pending, to: folder + "/ours", shardByteCount: 4000)
        try FileManager.default.copyItem(atPath: folder + "/theirs/config.json", toPath: folder + "/ours/config.json")
        try python(
            """
            import json, os, sys, torch
            from transformers import BertModel
            from safetensors.torch import load_file
            folder = sys.argv[1]
            model, report = BertModel.from_pretrained(folder + "/ours", output_loading_info=True)
            assert not report["missing_keys"] and not report["unexpected_keys"], report
            expected = load_file(folder + "/all.safetensors")
            state = model.state_dict()
            assert all(torch.equal(state[name], value) for name, value in expected.items())
            index = json.load(open(folder + "/ours/model.safetensors.index.json"))
            theirs = json.load(open(folder + "/theirs/model.safetensors.index.json"))
            assert index["metadata"] == theirs["metadata"], (index["metadata"], theirs["metadata"])
            for name in set(index["weight_map"].values()):
                tensors = load_file(f"{folder}/ours/{name}").values()
                assert len(tensors) == 1 or sum(4 * value.numel() for value in tensors) <= 4000
            """)
    }

    @Test("an index that lies is one clear line: a missing shard or tensor, a tensor in two shards, a path that leaves")
    func lies() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/model", withIntermediateDirectories: true)
        let model = folder + "/model"
        let one = try Tensor([1] as [Float], shape: [1])
        try writeSafetensors(["x": one], to: model + "/one.safetensors")
        try writeSafetensors(["y": one, "w": one], to: model + "/two.safetensors")
        try writeSafetensors(["x": one, "z": one], to: model + "/three.safetensors")
        try writeSafetensors(["v": one], to: folder + "/outside.safetensors")
        let good = ["x": "one.safetensors", "y": "two.safetensors"]
        // What a shard has beside what the index names counts too, as in transformers.
        #expect(try open(good, in: model).names == ["w", "x", "y"])
        for (more, code, file, tensor) in [
            (["z": "four.safetensors"], .unreadable, "four.safetensors", nil),
            (["z": "two.safetensors"], .missingTensor, "two.safetensors", "z"),
            (["z": "three.safetensors"], .badHeader, "three.safetensors", "x"),
            (["v": "../outside.safetensors"], .badHeader, "model.safetensors.index.json", nil),
            (["v": folder + "/outside.safetensors"], .badHeader, "model.safetensors.index.json", nil),
            (["v": "one.txt"], .badHeader, "model.safetensors.index.json", nil),
        ] as [([String: String], CheckpointError.Code, String, String?)] {
            let error = #expect(throws: CheckpointError.self) { try open(good.merging(more) { $1 }, in: model) }
            #expect(error?.code == code && error?.tensor == tensor, "\(more): \(error?.description ?? "")")
            #expect(error?.file == model + "/" + file)
            #expect(error?.description.contains("\n") == false)
        }
        for index in ["{}", "[]", "{\"weight_map\": {}}", "{\"weight_map\": {\"x\": 1}}", ""] {
            try Data(index.utf8).write(to: URL(fileURLWithPath: model + "/model.safetensors.index.json"))
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: model) }
            #expect(error?.code == .badHeader)
        }
    }

    @Test("tensors are views of the mapped shards: what is in the file is what is in the tensor, without a second copy")
    func views() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Pages that were not touched show what is written to the file afterwards; a copy would not.
        let count = 1 << 16
        try writeWeights([tensor("x", count), tensor("y", count)], to: folder, shardByteCount: 4 * count)
        let checkpoint = try Checkpoint(directory: folder)
        #expect(checkpoint.files.count == 2)
        for name in ["x", "y"] {
            let read = try checkpoint.tensor(name)
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: checkpoint.file(of: name)))
            let end = try file.seekToEnd()
            try file.seek(toOffset: end - UInt64(4 * count))
            try file.write(contentsOf: Data(count: 4 * count))
            try file.close()
            #expect(try read.floats() == [Float](repeating: 0, count: count))
        }
    }

    @Test("a folder says what it has in place of weights that can be read")
    func missing() throws {
        for (names, text) in [
            (["model.bin"], "would have to be called pytorch_model.bin"),
            (["weights.safetensors"], "would have to be called model.safetensors"),
            (["model-00001-of-00002.safetensors"], "needs the index"),
            (["pytorch_model-00002-of-00002.bin"], "needs the index"), (["a.pth", "b.pth"], "2 files end in .pth"),
            (["tf_model.h5"], "save_pretrained"), ([], "no such file"),
        ] {
            let folder = try Project.temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            for name in names { try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/" + name)) }
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: folder) }
            #expect(error?.code == .unreadable && error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
    }
}
