package import Commands
import Foundation

/// Which of the processes of a run this one is, and where it finds the others.
package struct ProcessPlace: Hashable, Sendable {
    /// Its number, from 0.
    package var index: Int
    /// How many processes there are.
    package var count: Int
    /// Its number among those of this machine, which is that of its device.
    package var localIndex = 0
    /// How many there are on this machine.
    package var localCount = 1
    /// The host of the store by which they meet.
    var host = "127.0.0.1"
    var port: UInt16 = 0
    /// Whether the store is there already; otherwise it is in process 0.
    var isStoreServed = false
    /// How often the processes were started again.
    var attempt = "0"
    /// Whether `ProcessLauncher` started it, which sees by itself which process ended, and says so.
    var isLaunched = false
    /// Whether the same command, run again, goes on from a checkpoint: what people are told when a process is lost.
    package var resumes = true

    /// The processors for each process of this machine.
    package var threads: Int { max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, localCount)) }
}

/// How a run is started: what `--processes` and the environment say together.
package enum ProcessStart: Hashable, Sendable {
    /// One process, this one.
    case alone
    /// This process starts so many others.
    case launching(Int)
    /// This process is one of several.
    case joining(ProcessPlace)

    /// How a run with `processes` of the command line is started in `environment`.
    ///
    /// torchrun's variables come first, then those of a Slurm step, then the command line. What is set by half, or contradicts
    /// itself, throws an error of wrong usage.
    package init(processes: Int?, environment: [String: String]) throws(CommandError) {
        let variables = ProcessVariables(environment)
        if let processes, processes < 1 { throw CommandError(.usage, "--processes: \(processes): must be at least 1") }
        var place = try variables.torchrunPlace()
        if place == nil { place = try variables.slurmPlace(ignoringBatch: processes != nil) }
        guard let place else {
            self = if let processes, processes > 1 { .launching(processes) } else { .alone }
            return
        }
        switch (place.count, processes) {
        case (1, nil), (1, 1): self = .alone
        // A single task of Slurm's may start the processes of its machine by itself.
        case (1, let processes?): self = .launching(processes)
        case (let count, let processes?) where count != processes:
            throw CommandError(
                .usage,
                "--processes \(processes), or that key of the file: the environment says that this is one of \(count) "
                    + "processes: leave it out")
        default: self = .joining(place)
        }
    }
}
