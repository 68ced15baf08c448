import ArgumentParser
import Builds
import Commands
import Foundation
import Manifests
import Slurm

/// The options of a build on a Slurm cluster.
struct SlurmOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The partition of the workers.", valueName: "name"))
    var partition: String?
    @Option(help: ArgumentHelp("CPU cores of each worker; 8 by default.", valueName: "n"))
    var cpus: Int?
    @Option(help: ArgumentHelp("Memory of each worker, such as 16G.", valueName: "size"))
    var memory: String?
    @Option(help: ArgumentHelp("Time limit of each job, such as 12:00:00.", valueName: "time"))
    var time: String?
    @Option(help: ArgumentHelp("Workers with one GPU each, besides --workers.", valueName: "n"))
    var gpuWorkers: Int?
    @Option(
        help: ArgumentHelp("The partition of the workers with a GPU.", valueName: "name"))
    var gpuPartition: String?
    @Option(
        help: ArgumentHelp(
            "The partition of the coordinator; by default that of the workers.", valueName: "name"))
    var coordinatorPartition: String?
    @Option(
        name: .customLong("sbatch"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "An option of sbatch for every job, such as --account=vision; may be repeated.",
            valueName: "option"))
    var sbatchOptions: [String] = []
    @Flag(help: "Submit the jobs and return; pipeline status shows them.") var detach = false

    /// The first option that is given, of those that only a cluster understands.
    var given: String? {
        let all: [(String, Bool)] = [
            ("--partition", partition != nil), ("--cpus", cpus != nil), ("--memory", memory != nil),
            ("--time", time != nil), ("--gpu-workers", gpuWorkers != nil), ("--gpu-partition", gpuPartition != nil),
            ("--coordinator-partition", coordinatorPartition != nil), ("--sbatch", !sbatchOptions.isEmpty),
            ("--detach", detach),
        ]
        return all.first { $0.1 }?.0
    }

    /// CPU cores of each worker.
    var cores: Int { cpus ?? 8 }

    func validate() throws {
        if let cpus, cpus < 1 { throw ValidationError("--cpus: want at least 1, not \(cpus)") }
        if let gpuWorkers, !(1...10_000).contains(gpuWorkers) {
            throw ValidationError("--gpu-workers: want 1 to 10000, not \(gpuWorkers)")
        }
        if gpuPartition != nil, gpuWorkers == nil { throw ValidationError("--gpu-partition: give --gpu-workers too") }
        for (name, value) in [("--memory", memory), ("--time", time)] {
            if let value, value.isEmpty || value.contains(where: \.isWhitespace) {
                throw ValidationError("\(name): want a value as sbatch takes it, not \"\(value)\"")
            }
        }
        if let option = sbatchOptions.first(where: { !$0.hasPrefix("-") || $0.contains("\n") }) {
            throw ValidationError("--sbatch: want an option such as --account=vision, not \(option)")
        }
    }

    /// What is asked of the cluster for the build of `request`.
    ///
    /// `workers` is how many have no GPU, at least 0; `flags` are the workers' own arguments.
    func request(_ build: BuildRequest, workers: Int, flags: [String], coordinatorFlags: [String]) -> ClusterRequest {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        var groups: [ClusterRequest.Workers] = []
        if workers > 0 {
            groups.append(
                .init(
                    role: "worker", count: workers,
                    resources: .init(partition: partition, cpus: cores, memory: memory, time: time), arguments: flags))
        }
        if let gpuWorkers {
            groups.append(
                .init(
                    role: "gpu-worker", count: gpuWorkers,
                    resources: .init(
                        partition: gpuPartition ?? partition, cpus: cores, memory: memory, time: time, gpus: 1),
                    arguments: flags))
        }
        return ClusterRequest(
            name: build.manifest.name, manifest: absolutePath(build.file), output: build.output,
            places: .init(output: build.output), executables: own,
            coordinator: .init(partition: coordinatorPartition ?? partition, cpus: 2, time: time),
            coordinatorArguments: coordinatorFlags, workers: groups, options: sbatchOptions)
    }
}
