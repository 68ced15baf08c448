import Builds
import Commands
import Foundation
import Locks
import Logging
import Slurm
import Testing

/// A Slurm that remembers what it was asked, and runs nothing.
private final class Cluster: Sendable {
    struct State {
        var jobs: [(id: String, name: String, state: String)] = []
        var calls: [[String]] = []
        var nextID = 1
        /// The end of the names that are refused.
        var refused: String?
        /// What is said of a job that has ended, by the command that is asked.
        var exits: [String: String] = [:]
    }

    let state = Locked(State())
    var calls: [[String]] { state.withLock { $0.calls } }
    var alive: [String] { state.withLock { $0.jobs.filter { $0.state != "CANCELLED" }.map(\.name) } }

    func add(_ name: String, _ jobState: String) {
        state.withLock { state in
            state.jobs.append((id: "\(state.nextID)", name: name, state: jobState))
            state.nextID += 1
        }
    }

    func commands() -> SlurmCommands {
        SlurmCommands { [self] command throws(SlurmError) in
            let call = Array(command.drop { !["sbatch", "squeue", "scancel", "scontrol", "sacct"].contains($0) })
            return state.withLock { state in
                var output = ""
                switch call[0] {
                case "squeue":
                    output = state.jobs.map { "\($0.id)|\($0.name)|\($0.state)|None|n1\n" }.joined()
                case "sbatch":
                    let name = URL(fileURLWithPath: call.last ?? "").deletingPathExtension().lastPathComponent
                    if let refused = state.refused, name.hasSuffix(refused) {
                        return SlurmCommands.Result(code: 1, output: "", errors: "sbatch: error: no such partition")
                    }
                    output = "\(state.nextID)\n"
                    state.jobs.append((id: "\(state.nextID)", name: name, state: "PENDING"))
                    state.nextID += 1
                    state.calls.append(call)
                case "scontrol", "sacct":
                    guard let exit = state.exits[call[0]] else {
                        return SlurmCommands.Result(code: 1, output: "", errors: "Invalid job id specified")
                    }
                    output = exit
                default:
                    for index in state.jobs.indices where call.last == state.jobs[index].id {
                        state.jobs[index].state = "CANCELLED"
                    }
                    state.calls.append(call)
                }
                return SlurmCommands.Result(code: 0, output: output, errors: "")
            }
        }
    }
}

/// What `pipeline build --engine slurm` submits, and what it does not submit twice.
@Suite("A build on a cluster") struct ClusterBuildTests {
    private let output = NSTemporaryDirectory() + "cluster-" + UUID().uuidString
    private let cluster = Cluster()
    private var names: JobNames { JobNames(name: "cc3m", output: output) }

    private func build() -> ClusterBuild {
        let request = ClusterRequest(
            name: "cc3m", manifest: "/m.yaml", output: output, places: .init(output: output), executables: "/bin",
            coordinator: .init(cpus: 2), coordinatorArguments: [],
            workers: [.init(role: "worker", count: 2, resources: .init(cpus: 8), arguments: [])], options: [])
        return ClusterBuild(
            request, slurm: cluster.commands(), progress: BuildProgress(label: "cc3m"), logger: Logger(label: "test"))
    }

    @Test("submits a coordinator, and workers that begin after it; again, it submits nothing")
    func submits() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        try await build().submit()
        #expect(cluster.alive == [names.job("coordinator"), names.job("worker")])
        #expect(cluster.calls.last?.contains("--dependency=after:1") == true)
        let count = cluster.calls.count
        try await build().submit()
        #expect(cluster.calls.count == count)
        let jobs = try ClusterJobs(output: output, given: "out")
        #expect(ClusterJobs.exist(output))
        withExtendedLifetime(jobs) {}
    }

    @Test("a job that the controller has forgotten is submitted again, the others are not")
    func forgotten() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        cluster.add(names.job("worker"), "PENDING")
        try await build().submit()
        #expect(cluster.calls.count == 1)
        #expect(cluster.alive == [names.job("worker"), names.job("coordinator")])
    }

    @Test("of two coordinators the one that runs stays")
    func spare() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        cluster.add(names.job("coordinator"), "PENDING")
        cluster.add(names.job("coordinator"), "RUNNING")
        cluster.add(names.job("worker"), "RUNNING")
        try await build().submit()
        #expect(cluster.calls == [["scancel", "1"]])
    }

    @Test("jobs that have ended count for nothing")
    func ended() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        for role in ["coordinator", "worker"] { cluster.add(names.job(role), "FAILED") }
        try await build().submit()
        #expect(cluster.calls.map(\.first) == ["sbatch", "sbatch"])
    }

    @Test("where a job is refused, those that were submitted with it are cancelled, and no others")
    func refused() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        cluster.state.withLock { $0.refused = "-worker" }
        await #expect(throws: SlurmError(.refused, "sbatch", "no such partition")) { try await build().submit() }
        #expect(cluster.alive.isEmpty)
        cluster.add(names.job("coordinator"), "RUNNING")
        await #expect(throws: SlurmError.self) { try await build().submit() }
        #expect(cluster.alive == [names.job("coordinator")])
    }

    @Test("a folder with files of others is refused before anything is submitted")
    func occupied() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        try "mine".write(toFile: output + "/README.md", atomically: false, encoding: .utf8)
        await #expect(throws: (any Error).self) { try await build().submit() }
        #expect(cluster.calls.isEmpty)
    }

    @Test(
        "when the coordinator ends, the command ends with its exit code and says what it said",
        arguments: [
            (["scontrol": "JobId=1 JobState=FAILED ExitCode=65:0 BatchHost=n1\n"], CommandError.Code.badInput),
            (["sacct": "1:0\n"], .failedWork), (["scontrol": "JobId=1 ExitCode=9:0\n"], .unavailable),
            ([:], .unavailable),
        ])
    func coordinatorFails(_ exits: [String: String], _ code: CommandError.Code) async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        let build = build()
        let job = try await build.submit()
        cluster.state.withLock { state in
            state.exits = exits
            state.jobs[0].state = "FAILED"
        }
        let folder = ClusterRequest.Places(output: output).logs
        // Of a former coordinator, and of this one.
        for (id, line) in [("9", "error: another"), (job, "error: m.yaml: unknown-key\nslurmstepd: bye")] {
            try line.write(
                toFile: "\(folder)/\(names.job("coordinator"))-\(id).log", atomically: false, encoding: .utf8)
        }
        let error = await #expect(throws: CommandError.self) { try await build.follow(job) }
        #expect(error?.code == code)
        #expect(error?.message.contains("it said: m.yaml: unknown-key; logs are in \(folder)") == true, "\(error)")
        #expect(error?.message.contains("run the same command") == (code != .badInput))
    }

    @Test("the last error of a log that is JSON is read too")
    func errorInJSON() async throws {
        defer { try? FileManager.default.removeItem(atPath: output) }
        let build = build()
        let job = try await build.submit()
        cluster.state.withLock { $0.jobs[0].state = "FAILED" }
        let lines = [
            #"{"level":"error","logger":"pipeline","message":"no room","time":"t"}"#,
            #"{"level":"info","logger":"pipeline","message":"bye","time":"t"}"#,
        ]
        try lines.joined(separator: "\n").write(
            toFile: "\(ClusterRequest.Places(output: output).logs)/\(names.job("coordinator"))-\(job).log",
            atomically: false, encoding: .utf8)
        let error = await #expect(throws: CommandError.self) { try await build.follow(job) }
        #expect(error?.message.contains("it said: no room;") == true, "\(error)")
    }

    @Test("the jobs of a build that no cluster was given are not looked for")
    func local() {
        #expect(throws: CommandError.self) { try ClusterJobs(output: output, given: "out") }
    }

    @Test("a line says what the jobs do")
    func summary() {
        let jobs = [
            ("1", "coordinator", "RUNNING"), ("2_1", "worker", "RUNNING"), ("2_2", "worker", "RUNNING"),
            ("2_3", "worker", "PENDING"), ("3_1", "gpu-worker", "COMPLETED"),
        ].compactMap { id, role, state in
            SlurmJob(line: "\(id)|\(names.job(role))|\(state)|\(state == "PENDING" ? "Resources" : "None")|n1")
        }
        let summary = JobSummary(jobs, names)
        #expect(summary.text == "coordinator running on n1; workers: 2 running, 1 pending (Resources)")
        #expect(summary.isCoordinatorAlive && summary.hasWorkers)
        let none = JobSummary([], names)
        #expect(none.text == "coordinator not submitted; no workers" && none.coordinatorEnd == nil)
    }
}
