import Foundation
import TestSupport
import Testing

/// Real processes, started as those of a training are; `ProcessProbe` says what they do.
@Suite("Processes that train together") struct ProcessFaultTests {
    private static let probe = Project.executables + "/ProcessProbe"

    private func start(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Program {
        try Program(Self.probe, arguments, environment: environment)
    }

    /// The numbers of the processes that have written the line of `step`, by their index.
    private func processes(_ program: Program, after step: Int, _ count: Int) throws -> [Int32] {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            let lines = program.output.split(separator: "\n").map { $0.split(separator: " ") }
            let found = lines.filter { $0.count == 8 && $0[1] == "\(step)" }
            let numbers = Dictionary(found.map { ($0[3], Int32($0[5])) }) { $1 }
            if numbers.count == count { return try (0..<count).map { try #require(numbers["\($0)"] ?? nil) } }
            usleep(20_000)
        }
        Issue.record("no step \(step): \(program.output)\(program.errors)")
        return []
    }

    private func errorLines(_ ended: Program.Ended) -> [Substring] { ended.errors.split(separator: "\n") }

    /// Whether the process `number` is gone, or about to be reaped.
    private func isGone(_ number: Int32) -> Bool {
        guard kill(number, 0) == 0 else { return true }
        let state = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)  // gone meanwhile
        return state.map { $0.contains(") Z ") } ?? true
    }

    @Test("do the work of one, started by --processes", arguments: [1, 2, 4])
    func launched(count: Int) throws {
        let ended = try start(["--processes", "\(count)"]).wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.errors.isEmpty)
        let sums = ended.output.split(separator: "\n").map { $0.split(separator: " ").last.map(String.init) }
        #expect(sums.count == 3 * count)
        let expected = (1...3).flatMap { step in [String](repeating: "\(step * count * (count + 1) / 2)", count: count)
        }
        #expect(sums.compactMap { $0 }.sorted() == expected.sorted())
    }

    @Test("end all when one is killed, with one line and exit code 75", arguments: [0, 1, 2])
    func killed(index: Int) throws {
        let program = try start(["--processes", "3", "--slow", "\((index + 1) % 3)", "--seconds", "600"])
        let numbers = try processes(program, after: 1, 3)
        kill(numbers[index], SIGKILL)
        let ended = program.wait()
        #expect(ended.status == 75)
        #expect(errorLines(ended).count == 1, "\(ended.errors)")
        #expect(ended.errors.hasPrefix("error: process \(index) of 3 was killed by signal 9"), "\(ended.errors)")
        #expect(numbers.allSatisfy(isGone))
    }

    @Test("end all when one stands still, with one line and exit code 75", arguments: [0, 1])
    func stopped(index: Int) throws {
        let program = try start([
            "--processes", "2", "--silence", "3", "--slow", "\(1 - index)", "--seconds", "600",
        ])
        let numbers = try processes(program, after: 1, 2)
        kill(numbers[index], SIGSTOP)
        let ended = program.wait()
        #expect(ended.status == 75)
        #expect(errorLines(ended).count == 1, "\(ended.errors)")
        #expect(ended.errors.contains("process \(index) of 2 (") && ended.errors.contains("no sign of life for 3 s"))
        #expect(numbers.allSatisfy(isGone))
    }

    @Test("are not taken for hung while a training thread is busy or waits", arguments: [0, 1])
    func slow(index: Int) throws {
        let ended = try start([
            "--processes", "2", "--silence", "4", "--slow", "\(index)", "--seconds", "9",
        ]).wait()
        #expect(ended.status == 0)
        #expect(ended.errors.isEmpty, "\(ended.errors)")
    }

    @Test("go on after all of them were suspended for longer than a process may be silent")
    func suspended() throws {
        let program = try start(["--processes", "2", "--silence", "3", "--slow", "0", "--seconds", "10"])
        let numbers = try processes(program, after: 1, 2)
        for number in numbers { kill(number, SIGSTOP) }
        Thread.sleep(forTimeInterval: 8)
        for number in numbers { kill(number, SIGCONT) }
        let ended = program.wait()
        #expect(ended.status == 0)
        #expect(ended.errors.isEmpty, "\(ended.errors)")
    }

    @Test("end with the exit code and the one line of the process that failed", arguments: [0, 1, 3])
    func failed(index: Int) throws {
        let ended = try start(["--processes", "4", "--failing", "\(index)"]).wait()
        #expect(ended.status == 65)
        #expect(errorLines(ended).count == 1, "\(ended.errors)")
        #expect(ended.errors.contains("the probe: asked to fail"))
    }

    @Test("stop together when they are asked to", arguments: [SIGTERM, SIGINT])
    func asked(signal: Int32) throws {
        let program = try start(["--processes", "2", "--steps", "1000000"])
        let numbers = try processes(program, after: 2, 2)
        program.signal(signal)
        let ended = program.wait()
        #expect(ended.status == 128 + signal)
        #expect(ended.errors.isEmpty, "\(ended.errors)")
        #expect(ended.output.contains("stopped before step"))
        #expect(numbers.allSatisfy(isGone))
    }

    @Test("do not outlive the command that started them")
    func orphans() throws {
        let program = try start(["--processes", "2", "--slow", "0", "--seconds", "600"])
        let numbers = try processes(program, after: 1, 2)
        program.signal(SIGKILL)
        _ = program.wait()
        let end = ContinuousClock.now + .seconds(60)
        while !numbers.allSatisfy(isGone), ContinuousClock.now < end { usleep(20_000) }
        #expect(numbers.allSatisfy(isGone))
    }

    private func variables(_ index: Int, port: UInt16) -> [String: String] {
        [
            "RANK": "\(index)", "LOCAL_RANK": "\(index)", "WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": "\(port)",
        ]
    }

    @Test("say which of them never came, in one line")
    func missing() throws {
        let port = UInt16.random(in: 15_000..<30_000)
        let first = try start(["--join", "5"], variables(0, port: port))
        let third = try start(["--join", "60"], variables(2, port: port))
        let ended = first.wait()
        #expect(ended.status == 75)
        #expect(ended.errors == "error: process 1 of 3 did not come within 5 s\n")
        // The other ends too, and leaves the word to the first.
        #expect(third.wait().status == 75)
    }

    @Test("say that the first never came")
    func firstMissing() throws {
        let ended = try start(["--join", "3"], variables(1, port: .random(in: 15_000..<30_000))).wait()
        #expect(ended.status == 75)
        #expect(errorLines(ended).count == 1, "\(ended.errors)")
        #expect(ended.errors.hasPrefix("error: process 0 of 3 did not come"))
    }

    @Test("notice without the command that the process with the store is killed, once on this host")
    func firstKilled() throws {
        let port = UInt16.random(in: 15_000..<30_000)
        let programs = try (0..<3).map { try start(["--slow", "1", "--seconds", "600"], variables($0, port: port)) }
        for (index, program) in programs.enumerated() {
            let end = ContinuousClock.now + .seconds(120)
            while !program.output.contains("step 1 process \(index)"), ContinuousClock.now < end { usleep(20_000) }
        }
        programs[0].signal(SIGKILL)
        let ends = programs.dropFirst().map { $0.wait() }
        #expect(ends.map(\.status) == [75, 75])
        #expect(ends.map { errorLines($0).count }.sorted() == [0, 1], "\(ends)")
        #expect(ends[0].errors.contains("process 0 of 3 ("))
    }

    @Test("are wrong usage where the environment names them by half")
    func halfSet() throws {
        let ended = try start([], ["RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"]).wait()
        #expect(ended.status == 64)
        #expect(ended.errors == "error: RANK is set but MASTER_PORT is not: set both or none\n")
    }

    @Test("are started by torchrun too, whose agent has the store")
    func torchrun() throws {
        guard FileManager.default.isExecutableFile(atPath: Project.python) else {
            Issue.record("no \(Project.python): run scripts/setup --tests")
            return
        }
        let ended = try Program.run(
            Project.python,
            ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--no-python", Self.probe])
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.output.contains("step 3 process 1"))
        #expect(ended.output.contains("sum 9"))
    }
}
