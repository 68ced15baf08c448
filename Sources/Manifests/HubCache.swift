package import Digests
import Foundation
package import Samples

/// Finds a checkpoint directory: a path as it is, a hub id in the hub's own cache layout.
///
/// `HF_HUB_CACHE`, then `HF_HOME/hub`, then `~/.cache/huggingface/hub` is searched for
/// `models--ORG--NAME/snapshots/REVISION`, the revision being the one that `refs/main` names.
package func modelDirectory(_ model: String, environment: [String: String]) -> String? {
    if FileManager.default.fileExists(atPath: model + "/config.json") { return model }
    let home = environment["HF_HOME"] ?? (environment["HOME"] ?? "") + "/.cache/huggingface"
    let cache = environment["HF_HUB_CACHE"] ?? home + "/hub"
    let repository = cache + "/models--" + model.replacing("/", with: "--")
    guard let revision = try? String(contentsOfFile: repository + "/refs/main", encoding: .utf8) else {
        return nil  // not in the cache, which is an answer
    }
    let snapshot = repository + "/snapshots/" + revision.trimmingCharacters(in: .whitespacesAndNewlines)
    return FileManager.default.fileExists(atPath: snapshot + "/config.json") ? snapshot : nil
}

/// What identifies the checkpoint in the folder `directory`, or the file of weights of that path.
///
/// Of a folder it is the digest over names and digests of its descriptions and vocabularies (`.json`, `.txt`, `.model`) and of
/// its weights: `.safetensors`, or PyTorch's own files where there are none. Every byte of them counts; large files that were
/// read before are looked up in `cache`.
package func checkpointDigest(_ directory: String, cache: DigestCache = .ofUser()) throws -> ContentDigest {
    guard let all = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
        return try cache.digest(ofFile: directory)  // which says what is wrong with what is no file either
    }
    let weights = all.contains { $0.hasSuffix(".safetensors") } ? [".safetensors"] : [".bin", ".pth"]
    let names = all.filter { name in ([".json", ".txt", ".model"] + weights).contains { name.hasSuffix($0) } }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let lines = try names.map { "\($0)\0\(try cache.digest(ofFile: directory + "/" + $0))\n" }
    return digest(of: lines.joined())
}
