import Foundation

/// The batch scripts of a build, as `sbatch` takes them.
///
/// Slurm signals the script alone (`--signal=B:`), so the script passes signals on and waits. A process that ends with code 75 was
/// interrupted, or met an outage: its job goes back to the queue, under the same number, whatever the cluster's `RequeueExit` says.
package struct BatchScript: Hashable, Sendable {
    /// The job's name.
    package let name: String
    /// The whole script.
    package let text: String

    /// The script of the coordinator of `request`.
    ///
    /// When the build has ended, workers that still wait in the queue are cancelled.
    package static func coordinator(_ request: ClusterRequest) -> BatchScript {
        let names = JobNames(name: request.name, output: request.output)
        let command =
            [
                request.executables + "/pipeline-coordinator", "--manifest", request.manifest, "--output",
                request.output, "--listen", "0.0.0.0:0", "--address-file", request.places.address, "--token-file",
                request.places.token, "--slurm-workers", names.workers.joined(separator: ","),
            ] + request.coordinatorArguments
        return BatchScript(
            name: names.job("coordinator"), resources: request.coordinator, array: nil, request: request,
            command: command.map(quoted).joined(separator: " "),
            // Until it is asked to stop for good, it is needed: a signal from Slurm means that it goes on elsewhere.
            passedOn: "TERM",
            atEnd: """
                case $code in
                    0 | 1 | 64 | 65) for name in \(names.workers.joined(separator: " ")); do scancel --quiet --name=$name; done ;;
                    143) if [ -n "$warned" ]; then code=75; fi ;;
                esac
                """)
    }

    /// The script of an array of workers of `request`.
    package static func workers(_ workers: ClusterRequest.Workers, of request: ClusterRequest) -> BatchScript {
        let names = JobNames(name: request.name, output: request.output)
        let fixed = [
            request.executables + "/pipeline-worker", "--coordinator-file", request.places.address, "--token-file",
            request.places.token, "--output", request.output,
        ]
        return BatchScript(
            name: names.job(workers.role), resources: workers.resources, array: workers.count, request: request,
            command: (fixed + workers.arguments).map(quoted).joined(separator: " "),
            passedOn: "USR1",
            // Asked to leave before it could hear of it: it holds nothing.
            atEnd: "[ \"$code\" != 138 ] || code=75")
    }

    private init(
        name: String, resources: ClusterRequest.Resources, array: Int?, request: ClusterRequest, command: String,
        passedOn: String, atEnd: String?
    ) {
        self.name = name
        let job = array == nil ? "$SLURM_JOB_ID" : "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
        var options = [
            "--job-name=\(name)", "--nodes=1", "--ntasks=1", "--cpus-per-task=\(resources.cpus)", "--requeue",
            "--open-mode=append", "--signal=B:USR1@\(request.warning)",
            "--output=\(Self.escaped(request.places.logs))/%x-\(array == nil ? "%j" : "%A_%a").log",
        ]
        if let array { options.append("--array=1-\(array)") }
        if let partition = resources.partition { options.append("--partition=\(partition)") }
        if let memory = resources.memory { options.append("--mem=\(memory)") }
        if let time = resources.time { options.append("--time=\(time)") }
        if resources.gpus > 0 { options.append("--gres=gpu:\(resources.gpus)") }
        options += request.options
        var lines = ["#!/bin/bash"] + options.map { "#SBATCH " + ($0.contains(" ") ? "\"\($0)\"" : $0) }
        lines += [
            "set -u",
            "child= warned= got=",
            // The time limit is near, or the job is pre-empted.
            "trap 'warned=1 got=\(passedOn); kill -\(passedOn) \"$child\" 2>/dev/null' USR1",
            "trap 'got=TERM; kill -TERM \"$child\" 2>/dev/null' TERM",
            "\(command) &",
            "child=$!",
            // One that came before there was anybody to pass it on to.
            "[ -z \"$got\" ] || kill \"-$got\" \"$child\" 2>/dev/null",
            "code=0",
            // A trapped signal ends `wait` early, and the process may go on.
            "while :; do wait \"$child\"; code=$?; kill -0 \"$child\" 2>/dev/null || break; done",
        ]
        if let atEnd { lines.append(atEnd) }
        lines += [
            "[ \"$code\" != 75 ] || exec scontrol requeue \"\(job)\"",
            "exit \"$code\"",
        ]
        text = lines.joined(separator: "\n") + "\n"
    }

    /// `path` where `sbatch` puts job numbers in place of `%j` and the like.
    private static func escaped(_ path: String) -> String { path.replacing("%", with: "%%") }
}

extension JobNames {
    /// The names of the arrays of workers.
    package var workers: [String] { Self.roles.dropFirst().map(job) }
}

/// `text` as one word of a shell.
private func quoted(_ text: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%")
    if !text.isEmpty, text.allSatisfy(plain.contains) { return text }
    return "'" + text.replacing("'", with: #"'\''"#) + "'"
}
