import Digests
import Samples

/// What the jobs of one build are called in Slurm, such as `cc3m-1f0a93c2-worker`.
///
/// The name follows from the build's name and its output alone: after a crash of either side the jobs of a build are found
/// again by asking Slurm, and nothing has to be remembered.
package struct JobNames: Hashable, Sendable {
    private let stem: String

    /// The names for the build `name` into the folder `output`.
    package init(name: String, output: String) {
        let plain = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" }
        stem = String(plain.prefix(64)) + "-" + digest(of: output).hex.prefix(8)
    }

    /// The name of the jobs with the role `role`: `coordinator`, `worker` or `gpu-worker`.
    package func job(_ role: String) -> String { "\(stem)-\(role)" }

    /// The roles of a build's jobs; the coordinator comes first.
    package static let roles = ["coordinator", "worker", "gpu-worker"]

    /// The names of all jobs that the build may have.
    package var all: [String] { Self.roles.map(job) }
}
