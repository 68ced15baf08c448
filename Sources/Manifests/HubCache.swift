import Digests
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

/// What identifies the checkpoint in `directory`.
///
/// The digest over names and digests of its `.json`, `.txt` and `.safetensors` files; every byte of them is read.
package func checkpointDigest(_ directory: String) throws -> ContentDigest {
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        .filter { name in [".json", ".txt", ".safetensors"].contains { name.hasSuffix($0) } }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let lines = try names.map { "\($0)\0\(try digest(ofFile: directory + "/" + $0).digest)\n" }
    return digest(of: lines.joined())
}
