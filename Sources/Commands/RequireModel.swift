import Foundation
import Manifests

/// The folder of the checkpoint `model`: a path, or a hub id that is in the hub's cache.
///
/// Throws bad input where there is none; `key` is what names the model in a manifest, empty for an option.
package func requireModel(_ model: String, key: String = "") throws(CommandError) -> String {
    if let directory = modelDirectory(model, environment: ProcessInfo.processInfo.environment) { return directory }
    let place = key.isEmpty ? model : "\(key): \(model)"
    throw CommandError(.badInput, "\(place): missing_file: no folder with config.json, and not in the hub's cache")
}
