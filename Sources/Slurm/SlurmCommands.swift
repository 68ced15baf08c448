import Files
import Foundation

/// Slurm's own commands: `sbatch`, `squeue`, `scancel`, and those that say how a job ended.
///
/// Each is run under `timeout`, because they wait for minutes for a controller that does not answer.
package struct SlurmCommands: Sendable {
    /// What a command that ended has written.
    package struct Result: Hashable, Sendable {
        package let code: Int32
        package let output: String
        package let errors: String

        package init(code: Int32, output: String, errors: String) {
            (self.code, self.output, self.errors) = (code, output, errors)
        }
    }

    /// Runs a command, given its name and arguments, to its end.
    package typealias Run = @Sendable ([String]) async throws(SlurmError) -> Result

    /// Id, name, state, reason, nodes: none of them holds a bar.
    static let squeueFormat = "%i|%j|%T|%r|%N"

    private static let timeout = 60
    /// What `timeout` ends with when the command had to be killed.
    private static let timedOut: Int32 = 137

    private let run: Run

    /// The commands of this machine.
    package init() { self.init(run: runCommand) }

    package init(run: @escaping Run) { self.run = run }

    /// Submits the script in the file `path`, to run once the job `after` has begun; gives the number of the job.
    package func submit(_ path: String, after: String? = nil) async throws(SlurmError) -> String {
        let dependency = after.map { ["--dependency=after:\($0)"] } ?? []
        let output = try await checked(["sbatch", "--parsable"] + dependency + [path])
        let id = output.prefix { $0.isNumber }  // a cluster's name may follow, behind a semicolon
        guard !id.isEmpty else { throw SlurmError(.unexpected, "sbatch", "no job number in \(output.prefix(200))") }
        return String(id)
    }

    /// The jobs called one of `names` that wait, run, or have ended lately; an array's tasks one by one.
    package func jobs(named names: [String]) async throws(SlurmError) -> [SlurmJob] {
        let output = try await checked([
            "squeue", "--noheader", "--array", "--states=all", "--name=\(names.joined(separator: ","))",
            "--format=\(Self.squeueFormat)",
        ])
        var jobs: [SlurmJob] = []
        for line in output.split(separator: "\n") {
            guard let job = SlurmJob(line: line) else {
                throw SlurmError(.unexpected, "squeue", "cannot read \(line.prefix(200))")
            }
            jobs.append(job)
        }
        return jobs
    }

    /// Cancels the jobs called one of `names`; none at all is no fault.
    package func cancel(named names: [String]) async throws(SlurmError) {
        for name in names { _ = try await checked(["scancel", "--name=\(name)"]) }
    }

    /// Cancels the job or task `id`.
    package func cancel(id: String) async throws(SlurmError) { _ = try await checked(["scancel", id]) }

    /// The exit code of the job `id`, which has ended; nil where Slurm does not know it.
    package func exitCode(of id: String) async -> Int32? {
        // The controller forgets a job after minutes; not every cluster keeps accounts.
        let commands = [
            ["scontrol", "--oneliner", "show", "job", id],
            ["sacct", "--allocations", "--noheader", "--parsable2", "--format=ExitCode", "--jobs=\(id)"],
        ]
        for command in commands {
            guard let output = try? await checked(command) else { continue }  // the other may know
            // Such as `ExitCode=65:0`: the code, and the signal that ended it.
            let words = output.split(whereSeparator: \.isWhitespace)
            let word = command[0] == "sacct" ? words.last : words.last { $0.hasPrefix("ExitCode=") }
            if let code = word?.split(separator: "=").last?.split(separator: ":").first.flatMap({ Int32($0) }) {
                return code
            }
        }
        return nil
    }

    /// What the command wrote to standard output; throws unless it succeeded.
    private func checked(_ command: [String]) async throws(SlurmError) -> String {
        let result = try await run(["timeout", "--signal=KILL", "\(Self.timeout)"] + command)
        if result.code == 0 { return result.output }
        let text = Self.lastWords(result.errors) ?? "ended with code \(result.code)"
        let code: SlurmError.Code =
            switch result.code {
            case Self.timedOut: .unreachable
            case 127: .missing
            case _ where result.errors.contains("configuration"): .missing
            default: Self.isOutage(result.errors) ? .unreachable : .refused
            }
        let told =
            switch code {
            case .missing where result.code == 127: "not found: is this a machine of the cluster?"
            case .missing: "\(text): is this a machine of the cluster?"
            case .unreachable where result.code == Self.timedOut: "no answer within \(Self.timeout) s"
            default: text
            }
        throw SlurmError(code, command[0], told)
    }

    /// The last line of `errors` without the command's name and `error:` or `fatal:`, which lead each line.
    private static func lastWords(_ errors: String) -> String? {
        errors.split(separator: "\n").last.map { line in
            let words = line.split(separator: ": ", omittingEmptySubsequences: false).map(String.init)
            let leading: Set = ["sbatch", "squeue", "scancel", "slurm_load_jobs error", "error", "fatal"]
            return words.drop(while: leading.contains).joined(separator: ": ")
        }
    }

    /// Whether the controller could not be reached, in the words of Slurm.
    private static func isOutage(_ errors: String) -> Bool {
        ["Unable to contact slurm controller", "Socket timed out", "Connection refused", "Zero Bytes were transmitted"]
            .contains { errors.contains($0) }
    }
}

/// Runs `command` on this machine, off the shared pool.
private func runCommand(_ command: [String]) async throws(SlurmError) -> SlurmCommands.Result {
    let result: Result<SlurmCommands.Result, SlurmError> = await blocking {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, errors)
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            return .failure(SlurmError(.missing, command[0], "\(error)"))
        }
        // Errors are a few lines, and fit into the pipe; what is listed may be long.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let faults = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return .success(
            SlurmCommands.Result(
                code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
                errors: String(decoding: faults, as: UTF8.self)))
    }
    return try result.get()
}
