import CProcess
import Foundation
import Locks
import Supervision
import Testing

/// What the supervisor told, and when work ends.
private final class Stage: Sendable {
    struct Content {
        var lines: [String] = []
        var ends: [String?] = []
        var crashes: [CrashReport] = []
        var pauses: [Duration] = []
    }

    let content = Locked(Content())
    var lines: [String] { content.withLock { $0.lines } }
    var ends: [String?] { content.withLock { $0.ends } }
    var pauses: [Duration] { content.withLock { $0.pauses } }
    /// How often a worker ends before no work is left.
    let endLimit: Int
    let asksForWork: Bool

    init(endLimit: Int, asksForWork: Bool = true) {
        self.endLimit = endLimit
        self.asksForWork = asksForWork
    }

    func events(hangs: @escaping @Sendable (String) -> Bool = { _ in false }) -> SupervisionEvents {
        SupervisionEvents(
            line: { _, line in self.content.withLock { $0.lines.append(line) } },
            ended: { end in
                self.content.withLock {
                    $0.ends.append(end.message)
                    $0.crashes += end.crashes
                }
                return WorkerStanding(askedForWork: self.asksForWork, isNeeded: self.ends.count < self.endLimit)
            },
            hangs: { hangs($0) })
    }
}

/// A clock on which every sleep is over at once; it notes how long they were.
private struct NotingClock: Clock {
    let stage: Stage
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        let pause = now.duration(to: deadline)
        stage.content.withLock { $0.pauses.append(.seconds((pause / .seconds(1)).rounded())) }
        await Task.yield()
    }
}

private func shell(_ script: String) -> ProcessCommand {
    ProcessCommand(executable: "/bin/sh", arguments: ["-c", script])
}

@Suite(.timeLimit(.minutes(1))) struct WorkerSupervisorTests {
    private func patience(check: Duration = .seconds(3600)) -> WorkerSupervisor.Patience {
        var patience = WorkerSupervisor.Patience()
        patience.firstPause = .milliseconds(1)
        patience.longestPause = .milliseconds(4)
        patience.grace = .milliseconds(50)
        patience.checkInterval = check
        return patience
    }

    private func run(_ stage: Stage, _ script: String, count: Int = 1) async throws {
        let supervisor = WorkerSupervisor(patience: patience(), events: stage.events())
        try await supervisor.run((0..<count).map { ("w\($0)", shell(script)) })
    }

    @Test("hands on every line that a worker writes, an unended last one too")
    func lines() async throws {
        let stage = Stage(endLimit: 1)
        try await run(stage, "echo one; echo two >&2; printf three")
        #expect(stage.lines == ["one", "two", "three"])
        #expect(stage.ends == [nil])
    }

    @Test("starts a worker that dies again while work is left, and says what became of it")
    func restarts() async throws {
        let stage = Stage(endLimit: 3)
        try await run(stage, "echo oops; kill -9 $$")
        #expect(stage.ends == Array(repeating: "worker w0 was killed by signal 9: oops", count: 3))
    }

    @Test("gives up on a worker that dies five times before it asks for work, with what it said")
    func diesAtStart() async throws {
        let stage = Stage(endLimit: 100, asksForWork: false)
        let error = try await #require(throws: SupervisionError.self) { try await run(stage, "echo no model; exit 70") }
        #expect(error.code == .diesAtStart)
        #expect(error.text == "ended with code 70: no model")
        #expect(stage.ends.count == 5)
    }

    @Test("does not start a worker again that says its input is unusable")
    func refuses() async throws {
        let stage = Stage(endLimit: 100)
        let error = try await #require(throws: SupervisionError.self) {
            try await run(stage, "echo error: dns_servers: want addresses; exit 65", count: 2)
        }
        #expect(error.code == .refuses && error.text == "dns_servers: want addresses")
    }

    @Test("an outage is no failure of the units, and is told in the worker's own words", arguments: ["text", "json"])
    func outage(format: String) async throws {
        let stage = Stage(endLimit: 100)
        let reason = "no answer from any of 60 hosts: " + String(repeating: "x", count: 600)
        let line =
            format == "text" ? "error: \(reason)" : #"{"level":"error","logger":"pipeline","message":"\#(reason)"}"#
        let error = try await #require(throws: SupervisionError.self) {
            try await run(stage, "echo '\(line)'; echo a last word of a library; exit 75")
        }
        #expect(error.code == .outage && error.text == reason)
        #expect(stage.ends == [nil])
    }

    @Test("names an executable that is not there")
    func notStarted() async throws {
        let stage = Stage(endLimit: 100, asksForWork: false)
        let supervisor = WorkerSupervisor(patience: patience(), events: stage.events())
        let error = try await #require(throws: SupervisionError.self) {
            try await supervisor.run([("w0", ProcessCommand(executable: "/no/such/worker", arguments: []))])
        }
        #expect(error.text.contains("No such file or directory"))
    }

    @Test("pauses longer after each death, up to a bound, and starts afresh after one that worked")
    func pauses() async throws {
        let stage = Stage(endLimit: 5, asksForWork: false)
        var patience = WorkerSupervisor.Patience()
        patience.firstPause = .seconds(10)
        patience.longestPause = .seconds(30)
        patience.startLimit = 100
        patience.checkInterval = .seconds(3600)
        let clock = NotingClock(stage: stage)
        let supervisor = WorkerSupervisor(patience: patience, clock: clock, events: stage.events())
        try await supervisor.run([("w0", shell("exit 1"))])
        #expect(stage.pauses.filter { $0 < .seconds(3600) } == [10, 20, 30, 30].map { .seconds($0) })
    }

    @Test("asks workers to stop when it is cancelled, and reports no failure")
    func stops() async throws {
        let stage = Stage(endLimit: 100)
        let script = "trap 'echo stopping; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
        await cancelWhenReady(stage, script)
        #expect(stage.lines.first == "ready" && stage.lines.last == "stopping")
        #expect(stage.ends == [nil])
    }

    @Test("kills a worker that does not stop, with all that it started")
    func kills() async throws {
        let stage = Stage(endLimit: 100)
        await cancelWhenReady(stage, "trap '' TERM; sleep 1000 & echo $!; echo ready; while :; do sleep 1; done")
        let grandchild = try #require(stage.lines.first.flatMap(Int32.init))
        #expect(stage.ends == [nil])
        while isAlive(grandchild) { await Task.yield() }  // a signal takes effect when the process is next scheduled
    }

    /// Whether the process is there, and not just a zombie that nobody has waited for yet.
    private func isAlive(_ process: Int32) -> Bool {
        let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)  // no file: gone
        return status.map { !$0.contains(") Z ") } ?? false
    }

    private func cancelWhenReady(_ stage: Stage, _ script: String) async {
        let ready = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        var events = stage.events()
        events.line = { [note = events.line] worker, line in
            note(worker, line)
            if line == "ready" { ready.continuation.yield() }
        }
        let supervisor = WorkerSupervisor(patience: patience(), events: events)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await supervisor.run([("w0", shell(script))]) }
            }
            for await _ in ready.stream { break }
            group.cancelAll()
        }
    }

    @Test("the end of a worker is the end of what it started, even while that writes")
    func leftBehind() async throws {
        let stage = Stage(endLimit: 1)
        // 100 MB in lines of 1000 bytes, written faster than they are read.
        try await run(stage, "yes $(printf %0999d 1) | head -c 100000000 & head -c 200000000 /dev/zero | wc -c; exit 0")
        #expect(stage.lines.count < 100_000)
    }

    @Test("takes in what a worker reports of its crashes, two at once too, and shows it to nobody")
    func crashes() async throws {
        let stage = Stage(endLimit: 1)
        let unit = #"{"build":"0123456789abcdef","index":0,"source":"s"}"#
        let lease = #"{"generation":1,"incarnation":"i","unit":\#(unit),"worker":"w"}"#
        let line = #"\n\036crash \#(lease)"#
        try await run(stage, "printf 'half a line\(line) 17 11\(line) 40 06\\n'; kill -11 $$")
        #expect(stage.lines == ["half a line"])
        #expect(stage.content.withLock { $0.crashes.map(\.row) } == [17, 40])
        #expect(stage.ends == ["worker w0 was killed by signal 11: half a line"])
    }

    @Test("asks a worker to leave, and starts none again")
    func leaving() async throws {
        let stage = Stage(endLimit: 100)
        let ready = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        var events = stage.events()
        events.line = { _, _ in ready.continuation.yield() }
        let supervisor = WorkerSupervisor(patience: patience(), events: events)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await supervisor.run([
                    ("w0", shell("trap 'exit 75' USR1; echo ready; while :; do sleep 0.01; done"))
                ])
            }
            for await _ in ready.stream { break }
            supervisor.leave()
            for try await _ in group {}
        }
        #expect(stage.ends == [nil])
    }

    @Test("kills a worker that hangs, and starts another")
    func hanging() async throws {
        let stage = Stage(endLimit: 2)
        let supervisor = WorkerSupervisor(
            patience: patience(check: .milliseconds(5)), events: stage.events(hangs: { _ in true }))
        try await supervisor.run([("w0", shell("sleep 1000"))])
        #expect(stage.ends.count == 2)
        #expect(stage.ends.allSatisfy { $0?.contains("was killed by signal 9") == true })
    }

    @Test("a worker leads a group of its own and inherits nothing but its three streams")
    func inheritance() async throws {
        let stage = Stage(endLimit: 1)
        let script = """
            import os, signal
            print(os.getpgid(0) == os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, []))
            print([os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in (0, 1, 2)], os.path.exists("/proc/self/fd/4"))
            """
        let supervisor = WorkerSupervisor(patience: patience(), events: stage.events())
        let kept = open("/dev/null", O_RDONLY)  // without close-on-exec
        defer { close(kept) }
        try await supervisor.run([
            ("w0", ProcessCommand(executable: "/usr/bin/env", arguments: ["python3", "-c", script]))
        ])
        #expect(stage.lines == ["True set()", "['/dev/null', 'pipe', 'pipe'] False"])
    }

    @Test("a process dies with the thread that started it, so with the whole program too")
    func diesWithParent() async throws {
        let started = await withCheckedContinuation { (continuation: CheckedContinuation<cprocess_t?, Never>) in
            let thread = Thread {
                var process = cprocess_t()
                let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/sleep"), strdup("20"), nil]
                defer { for argument in arguments { free(argument) } }
                let code = cprocess_start(&process, arguments)
                continuation.resume(returning: code == 0 ? process : nil)
            }
            thread.start()
        }
        var process = try #require(started)
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(cprocess_read(&process, &buffer, buffer.count) == 0)
        #expect(cprocess_reap(&process) == -SIGKILL)
    }
}
