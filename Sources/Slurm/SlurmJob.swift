/// A job, or one task of an array, as Slurm knows it.
package struct SlurmJob: Hashable, Sendable {
    /// Such as `12`, `12_3`, or `12_[3-8]` for tasks that wait together.
    package let id: String
    package let name: String
    /// Such as `PENDING`, `RUNNING`, `COMPLETED`, `NODE_FAIL`.
    package let state: String
    /// Why it waits, such as `Resources`, or `None`.
    package let reason: String
    /// Where it runs; empty while it waits.
    package let nodes: String

    /// The states in which a job will not run any more.
    private static let ended: Set = [
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
        "REVOKED", "TIMEOUT",
    ]

    /// Whether it waits or runs, or ran and will run again.
    package var isAlive: Bool { !Self.ended.contains(state) }

    /// Whether its processes are running, or stopped for a while.
    package var isRunning: Bool { state == "RUNNING" || state == "SUSPENDED" }

    /// Whether its processes may be running.
    package var isOnNode: Bool { ["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING"].contains(state) }

    /// The number of the job, or of the task such as `12_3`, in the name that a worker takes in it, such as `slurm-12_3`; nil
    /// where it is no such name.
    package static func id(ofWorker name: String) -> String? {
        guard name.hasPrefix("slurm-") else { return nil }
        let id = name.dropFirst("slurm-".count).prefix { $0 != "." }  // processes of one job differ behind the dot
        return !id.isEmpty && id.allSatisfy { $0.isNumber || $0 == "_" } ? String(id) : nil
    }

    /// The job in a line of `squeue` in the format `SlurmCommands.squeueFormat`; nil where it is none.
    package init?(line: some StringProtocol) {
        let fields = String(line).split(separator: "|" as Character, omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 5, !fields[0].isEmpty, !fields[2].isEmpty else { return nil }
        (id, name, state, reason, nodes) = (fields[0], fields[1], fields[2], fields[3], fields[4])
    }
}
