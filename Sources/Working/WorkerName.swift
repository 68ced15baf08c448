import Foundation

/// What a worker is called where its user says nothing.
package struct WorkerName: Hashable, Sendable {
    /// The name: that of its Slurm job, which stays when the job is requeued, or else its host and process.
    package let name: String
    /// The node that it runs on, by the name that Slurm gives it, or else its host's name.
    package let node: String

    /// The names for a process of this `environment`.
    package init(
        environment: [String: String], host: String = ProcessInfo.processInfo.hostName,
        process: Int32 = ProcessInfo.processInfo.processIdentifier
    ) {
        func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
        node = value("SLURMD_NODENAME") ?? host
        guard let job = value("SLURM_ARRAY_JOB_ID") ?? value("SLURM_JOB_ID") else {
            name = "\(host)-\(process)"
            return
        }
        let task = value("SLURM_ARRAY_TASK_ID").map { "_\($0)" } ?? ""
        // Processes that one srun starts differ in their rank.
        let isOneOfMany = value("SLURM_NTASKS").flatMap { Int($0) } ?? 1 > 1
        name = "slurm-\(job)\(task)" + (isOneOfMany ? value("SLURM_PROCID").map { ".\($0)" } ?? "" : "")
    }
}
