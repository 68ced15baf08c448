import Digests
import Foundation
package import Samples

extension Manifest {
    /// Every setting that can change a byte of a shard, as `key.path` to value; equal manifests give equal tables.
    ///
    /// `output` is left out: where a data set lies changes nothing in it.
    package func settings() -> [String: String] {
        var flat: [String: String] = [:]
        do {
            let tree = try JSONSerialization.jsonObject(with: JSONEncoder().encode(self), options: .fragmentsAllowed)
            flatten(tree, at: "", into: &flat)
        } catch {
            preconditionFailure("a manifest is plain data: \(error)")
        }
        flat["output"] = nil
        return flat
    }

    /// The digest of `settings`: names what is built, and is written into `dataset.json`.
    package func digest() -> ContentDigest {
        let lines = settings().sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        return Digests.digest(of: lines.joined())
    }
}

private func flatten(_ value: Any, at path: String, into flat: inout [String: String]) {
    switch value {
    case let mapping as [String: Any]:
        for (key, value) in mapping { flatten(value, at: path.isEmpty ? key : "\(path).\(key)", into: &flat) }
    case let list as [Any]:
        for (index, value) in list.enumerated() { flatten(value, at: "\(path)[\(index)]", into: &flat) }
    default:
        flat[path] = "\(value)"
    }
}
