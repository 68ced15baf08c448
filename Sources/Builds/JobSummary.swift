package import Slurm

/// The jobs of a build, in one line.
package struct JobSummary: Hashable, Sendable {
    /// Such as `coordinator running on n1; 3 workers running, 1 pending (Resources)`.
    package let text: String
    /// Whether the coordinator's job waits or runs.
    package let isCoordinatorAlive: Bool
    /// Whether a worker waits or runs.
    package let hasWorkers: Bool
    /// How the coordinator's job ended; nil while it has not, and where Slurm does not know it.
    package let coordinatorEnd: String?

    /// The jobs called `names` among `jobs`; `coordinator` is the number of the coordinator's job, nil for its last one.
    package init(_ jobs: [SlurmJob], _ names: JobNames, coordinator: String? = nil) {
        let coordinators = jobs.filter { $0.name == names.job("coordinator") }
        let current = coordinators.first(where: \.isAlive)
        isCoordinatorAlive = current != nil
        let last =
            if let coordinator {
                coordinators.first { $0.id == coordinator }
            } else {
                coordinators.max { (Int($0.id) ?? 0) < (Int($1.id) ?? 0) }
            }
        coordinatorEnd = current == nil ? last?.state.lowercased() : nil
        let workers = jobs.filter { names.workers.contains($0.name) && $0.isAlive }
        hasWorkers = !workers.isEmpty
        var parts: [String] = []
        if let current {
            parts.append("coordinator " + Self.words(current) + (current.isOnNode ? " on \(current.nodes)" : ""))
        } else {
            parts.append("coordinator \(coordinatorEnd ?? "not submitted")")
        }
        let states = Dictionary(grouping: workers, by: Self.words).sorted { $0.key > $1.key }
        let counts = states.map { "\($0.value.count) \($0.key)" }.joined(separator: ", ")
        parts.append(workers.isEmpty ? "no workers" : "workers: \(counts)")
        text = parts.joined(separator: "; ")
    }

    private static func words(_ job: SlurmJob) -> String {
        let state = job.state.lowercased()
        return job.isOnNode || job.reason.isEmpty || job.reason == "None" ? state : "\(state) (\(job.reason))"
    }
}
