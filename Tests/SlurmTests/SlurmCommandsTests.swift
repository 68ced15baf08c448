import Slurm
import Testing

/// The commands with `result` in the place of what Slurm answers.
private func commands(_ code: Int32, _ output: String, _ errors: String = "") -> SlurmCommands {
    SlurmCommands(run: { _ in SlurmCommands.Result(code: code, output: output, errors: errors) })
}

@Suite("Slurm's commands") struct SlurmCommandsTests {
    @Test("jobs are read line by line, and know whether they are alive")
    func jobs() async throws {
        let listing = """
            12|cc3m-x-coordinator|RUNNING|None|n1
            13_1|cc3m-x-worker|RUNNING|None|n2
            13_2|cc3m-x-worker|PENDING|Resources|
            13_3|cc3m-x-worker|NODE_FAIL|None|n1
            13_4|cc3m-x-worker|REQUEUED|None|
            """
        let jobs = try await commands(0, listing).jobs(named: ["a"])
        #expect(jobs.map(\.id) == ["12", "13_1", "13_2", "13_3", "13_4"])
        #expect(jobs.map(\.isAlive) == [true, true, true, false, true])
        #expect(jobs.map(\.isRunning) == [true, true, false, false, false])
        #expect(jobs[2].reason == "Resources")
        await #expect(throws: SlurmError.self) { try await commands(0, "12 RUNNING").jobs(named: ["a"]) }
    }

    @Test(
        "a worker's name tells its task",
        arguments: [
            ("slurm-13_1", "13_1"), ("slurm-12", "12"), ("slurm-13_1.4", "13_1"), ("host-4711", nil), ("13_1", nil),
            ("slurm-", nil), ("slurm-n1", nil),
        ])
    func workerNames(_ name: String, _ id: String?) {
        #expect(SlurmJob.id(ofWorker: name) == id)
    }

    @Test("a job's number is taken from sbatch, also with the name of a cluster behind it")
    func submit() async throws {
        #expect(try await commands(0, "17\n").submit("x") == "17")
        #expect(try await commands(0, "17;west\n").submit("x") == "17")
        await #expect(throws: SlurmError.self) { try await commands(0, "Submitted\n").submit("x") }
    }

    @Test(
        "faults are told apart",
        arguments: [
            (
                Int32(1), "sbatch: error: Batch job submission failed: Invalid partition name specified",
                SlurmError(.refused, "sbatch", "Batch job submission failed: Invalid partition name specified")
            ),
            (
                1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
                SlurmError(.unreachable, "sbatch", "Unable to contact slurm controller (connect failure)")
            ),
            (
                1, "squeue: error: Socket timed out on send/recv operation",
                SlurmError(.unreachable, "sbatch", "Socket timed out on send/recv operation")
            ),
            (137, "", SlurmError(.unreachable, "sbatch", "no answer within 60 s")),
            (1, "", SlurmError(.refused, "sbatch", "ended with code 1")),
            (
                127, "timeout: failed to run command 'sbatch': No such file or directory",
                SlurmError(.missing, "sbatch", "not found: is this a machine of the cluster?")
            ),
            (
                1,
                "sbatch: error: fetch_config: DNS failed\nsbatch: fatal: Could not establish a configuration source",
                SlurmError(
                    .missing, "sbatch", "Could not establish a configuration source: is this a machine of the cluster?")
            ),
        ])
    func faults(_ code: Int32, _ errors: String, _ expected: SlurmError) async {
        await #expect(throws: expected) { try await commands(code, "", errors).submit("x") }
    }

    @Test("the names of jobs depend on name and output alone, and hold nothing that Slurm reads as more")
    func names() {
        let names = JobNames(name: "my set, é|1", output: "/a")
        #expect(names == JobNames(name: "my set, é|1", output: "/a"))
        #expect(names.job("worker") != JobNames(name: "my set, é|1", output: "/b").job("worker"))
        let isPlain = { (letter: Character) in
            letter.isASCII && (letter.isLetter || letter.isNumber || "-_.".contains(letter))
        }
        #expect(names.all.allSatisfy { $0.allSatisfy(isPlain) })
        #expect(names.job("worker").hasPrefix("my_set____1-"))
    }
}
