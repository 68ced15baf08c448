import Digests
import Foundation
import Manifests
import Samples
import TestSupport
import Testing

@Suite("Checkpoints") struct CheckpointTests {
    @Test("the digest changes with any byte of the model's files, and with nothing else")
    func digest() throws {
        let folder = try Project.temporaryFolder("checkpoint")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
        try write("{}", "config.json")
        try write("weights", "model.safetensors")
        let digest = try checkpointDigest(folder)
        try write("notes", "README.md")
        #expect(try checkpointDigest(folder) == digest)
        try write("weighty", "model.safetensors")
        #expect(try checkpointDigest(folder) != digest)
        try write("weights", "model.safetensors")
        try write("words", "vocab.txt")
        #expect(try checkpointDigest(folder) != digest)
    }

    @Test("the digest has PyTorch's own files where there are no safetensors; that of one file is the file's")
    func otherFormats() throws {
        let folder = try Project.temporaryFolder("formats")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
        try write("{}", "config.json")
        for name in ["pytorch_model.bin", "checkpoint.pth", "spiece.model"] {
            let before = try checkpointDigest(folder)
            try write("one", name)
            let after = try checkpointDigest(folder)
            try write("two", name)
            #expect(try Set([before, after, checkpointDigest(folder)]).count == 3, "\(name)")
        }
        try write("weights", "model.safetensors")
        let digest = try checkpointDigest(folder)
        try write("three", "pytorch_model.bin")
        #expect(try checkpointDigest(folder) == digest, "it is not read")
        #expect(try checkpointDigest(folder + "/checkpoint.pth") == Digests.digest(of: "two"))
        #expect(throws: (any Error).self) { try checkpointDigest(folder + "/none") }
    }

    @Test("a hub id is found in the hub's cache, by the revision that its main names")
    func cache() throws {
        let folder = try Project.temporaryFolder("cache")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let repository = folder + "/hub/models--org--name"
        for path in ["/refs", "/snapshots/abc"] {
            try FileManager.default.createDirectory(atPath: repository + path, withIntermediateDirectories: true)
        }
        try "abc\n".write(toFile: repository + "/refs/main", atomically: true, encoding: .utf8)
        #expect(modelDirectory("org/name", environment: ["HF_HOME": folder]) == nil)
        try "{}".write(toFile: repository + "/snapshots/abc/config.json", atomically: true, encoding: .utf8)
        #expect(modelDirectory("org/name", environment: ["HF_HOME": folder]) == repository + "/snapshots/abc")
        #expect(modelDirectory("org/other", environment: ["HF_HOME": folder]) == nil)
        #expect(modelDirectory(repository + "/snapshots/abc", environment: [:]) == repository + "/snapshots/abc")
    }
}
