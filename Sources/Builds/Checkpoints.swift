import Commands
import Foundation
import Manifests
import Samples

/// The two checkpoints of a build: where they are, what identifies them, what they say of themselves.
struct Checkpoints {
    /// By role, `captioner` and `ranker`; empty where no model takes part.
    private(set) var digests: [String: String] = [:]
    private(set) var names: [String: String] = [:]
    /// What a reader must know before believing the captions; empty where there is nothing.
    private(set) var notice = ""

    /// Finds and reads the checkpoints that `manifest` names.
    init(_ manifest: Manifest) throws {
        guard manifest.bootstraps else { return }
        for (role, key, model) in [
            ("captioner", "caption.model", manifest.caption.model), ("ranker", "rank.model", manifest.rank.model),
        ] {
            let directory = try requireModel(model, key: key)
            do {
                digests[role] = try checkpointDigest(directory).hex
            } catch {
                throw CommandError(.badInput, "\(key): \(directory): unreadable: \(error.localizedDescription)")
            }
            names[role] = model == directory ? URL(fileURLWithPath: directory).lastPathComponent : model
            notice = notice.isEmpty ? Self.notice(in: directory) : notice
        }
    }

    /// The value of `_notice` in the checkpoint's configuration.
    private static func notice(in directory: String) -> String {
        guard let data = FileManager.default.contents(atPath: directory + "/config.json"),
            let object = try? JSONSerialization.jsonObject(with: data),  // the worker says what is wrong with it
            let notice = (object as? [String: Any])?["_notice"] as? String
        else { return "" }
        return notice
    }
}
