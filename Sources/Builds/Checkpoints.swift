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
            if role == "ranker", let score = manifest.rank.score { try Self.check(score, directory) }
            names[role] = model == directory ? URL(fileURLWithPath: directory).lastPathComponent : model
            notice = notice.isEmpty ? Self.notice(in: directory) : notice
        }
    }

    /// Refuses a score that the ranker in `directory` does not have, before any worker starts.
    private static func check(_ score: Manifest.Rank.Score, _ directory: String) throws {
        guard Self.configuration(in: directory)?["model_type"] as? String != "blip-2" else { return }
        throw CommandError(
            .badInput,
            "rank.score: \(score.rawValue): \(directory) is no BLIP-2 model of phase 1, and only such a model"
                + " has several scores: remove the key, or name another rank.model")
    }

    /// The value of `_notice` in the checkpoint's configuration.
    private static func notice(in directory: String) -> String {
        configuration(in: directory)?["_notice"] as? String ?? ""
    }

    private static func configuration(in directory: String) -> [String: Any]? {
        guard let data = FileManager.default.contents(atPath: directory + "/config.json") else { return nil }
        // The worker says what is wrong with it.
        return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
    }
}
