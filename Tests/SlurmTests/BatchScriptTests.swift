import Foundation
import Slurm
import Testing

private let example = ClusterRequest(
    name: "cc3m", manifest: "/shared/manifests/cc3m.yaml", output: "/shared/my out",
    places: .init(
        address: "/shared/my out/.state/coordinator", token: "/shared/my out/.state/token",
        logs: "/shared/my out/.state/logs", scripts: "/shared/my out/.state/slurm"), executables: "/opt/pipeline/bin",
    coordinator: .init(partition: "cpu", cpus: 2), coordinatorArguments: ["--log-level", "info"],
    workers: [
        .init(
            role: "worker", count: 32, resources: .init(partition: "cpu", cpus: 8, memory: "16G", time: "12:00:00"),
            arguments: ["--threads", "8"]),
        .init(
            role: "gpu-worker", count: 4, resources: .init(partition: "gpu", cpus: 16, gpus: 1),
            arguments: ["--threads", "16"]),
    ], options: ["--account=vision"])

/// What the batch scripts say to `sbatch`, and what they do when bash runs them.
@Suite("Batch scripts") struct BatchScriptTests {
    @Test("ask for what the request says")
    func options() {
        let names = JobNames(name: "cc3m", output: "/shared/my out")
        let workers = BatchScript.workers(example.workers[0], of: example)
        #expect(workers.name == names.job("worker"))
        let lines = Set(workers.text.split(separator: "\n").map(String.init))
        for option in [
            "--job-name=\(names.job("worker"))", "--array=1-32", "--partition=cpu", "--cpus-per-task=8", "--mem=16G",
            "--time=12:00:00", "--requeue", "--signal=B:USR1@120", "--account=vision",
            "\"--output=/shared/my out/.state/logs/%x-%A_%a.log\"",
        ] {
            #expect(lines.contains("#SBATCH \(option)"), "\(option)")
        }
        #expect(!workers.text.contains("--gres"))
        let gpu = BatchScript.workers(example.workers[1], of: example).text
        #expect(gpu.contains("#SBATCH --gres=gpu:1\n") && gpu.contains("#SBATCH --partition=gpu\n"))
        #expect(!gpu.contains("--mem="))
        let coordinator = BatchScript.coordinator(example).text
        #expect(coordinator.contains("'/shared/my out'") && !coordinator.contains("--array"))
    }

    /// The scripts that are generated, and those for users who submit their own.
    enum Origin: CaseIterable {
        case generated, written

        func workers(_ run: ScriptRun) throws -> String {
            self == .generated
                ? BatchScript.workers(run.request.workers[0], of: run.request).text : try written("worker")
        }

        func coordinator(_ run: ScriptRun) throws -> String {
            self == .generated ? BatchScript.coordinator(run.request).text : try written("coordinator")
        }

        private func written(_ name: String) throws -> String {
            try String(contentsOfFile: "workers/slurm/\(name).sbatch", encoding: .utf8)
        }
    }

    @Test(
        "go back to the queue when their process ends with 75, or by the signal to leave, and only then",
        arguments: [0, 1, 65, 69, 70, 75, 138],
        Origin.allCases)
    func requeue(_ code: Int, _ origin: Origin) async throws {
        let run = try ScriptRun(worker: "exit \(code)")
        let isRequeued = code == 75 || code == 138
        #expect(try run.end(of: origin.workers(run)) == (isRequeued ? 0 : code))
        #expect(run.calls("scontrol") == (isRequeued ? ["requeue 7_3"] : []))
        let arguments = run.calls("pipeline-worker")
        #expect(arguments.count == 1 && arguments[0].hasSuffix("--threads 8"))
    }

    @Test(
        "pass warnings and requests to stop on, and wait for the end", arguments: [("USR1", 75), ("TERM", 143)],
        Origin.allCases)
    func signals(_ signal: (String, Int), _ origin: Origin) throws {
        let (signal, code) = signal
        let run = try ScriptRun(
            worker: """
                trap 'sleep 0.2; echo "got \(signal)" >> "$CALLS/signals"; exit \(code)' \(signal)
                : > "$CALLS/ready"
                while :; do sleep 0.05; done
                """)
        let end = try run.end(of: origin.workers(run), signal: signal)
        #expect(run.calls("signals") == ["got \(signal)"])
        #expect(end == (code == 75 ? 0 : code))
    }

    @Test(
        "a coordinator that is warned goes on elsewhere; one that is told to stop does not", arguments: [true, false],
        Origin.allCases)
    func coordinator(_ isWarned: Bool, _ origin: Origin) throws {
        let run = try ScriptRun(
            worker: """
                trap 'exit 143' TERM
                : > "$CALLS/ready"
                while :; do sleep 0.05; done
                """)
        let end = try run.end(of: origin.coordinator(run), signal: isWarned ? "USR1" : "TERM")
        #expect(run.calls("scontrol") == (isWarned ? ["requeue 7"] : []))
        #expect(end == (isWarned ? 0 : 143))
        #expect(run.calls("scancel").isEmpty, "the workers wait for the next coordinator")
    }

    @Test("a coordinator that has ended cancels the workers that still wait", arguments: [0, 1])
    func ended(_ code: Int) throws {
        let run = try ScriptRun(worker: "exit \(code)")
        #expect(run.end(of: BatchScript.coordinator(run.request).text) == code)
        let names = JobNames(name: run.request.name, output: run.request.output).workers
        #expect(run.calls("scancel") == names.map { "--quiet --name=\($0)" })
    }
}

/// Runs scripts with programs in the place of Slurm's and the pipeline's, which note how they are called.
final class ScriptRun {
    let folder = NSTemporaryDirectory() + "script's test-" + UUID().uuidString
    let request: ClusterRequest

    /// `worker` is what worker and coordinator do, in bash.
    init(worker: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var own = example
        own.executables = folder
        request = own
        for (name, body) in [
            ("pipeline-worker", worker), ("pipeline-coordinator", worker), ("scontrol", "exit 0"),
            ("scancel", "exit 0"),
        ] {
            let path = "\(folder)/\(name)"
            try "#!/bin/bash\necho \"$*\" >> \"$CALLS/\(name)\"\n\(body)\n".write(
                toFile: path, atomically: false, encoding: .utf8)
            chmod(path, 0o755)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The arguments of each call of `program`, or the lines that it noted.
    func calls(_ program: String) -> [String] {
        let data = FileManager.default.contents(atPath: "\(folder)/calls/\(program)") ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What the script ends with; `signal` is sent to the script alone once its process is ready.
    func end(of script: String, signal: String? = nil) -> Int {
        let calls = folder + "/calls"
        try? FileManager.default.createDirectory(atPath: calls, withIntermediateDirectories: true)
        let path = folder + "/script"
        try? script.write(toFile: path, atomically: false, encoding: .utf8)
        let process = Process()
        // A thread of a test may block signals, which a process inherits; Slurm's do not.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv('/bin/bash', ['bash', sys.argv[1]])",
            path,
        ]
        process.environment = [
            "PATH": folder + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"), "CALLS": calls,
            "SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3", "SLURM_CPUS_PER_TASK": "8",
            "MANIFEST": "/shared/cc3m.yaml", "OUTPUT": "/shared/my out", "BIN": folder,
        ]
        do { try process.run() } catch { return -1 }
        if let signal {
            while !FileManager.default.fileExists(atPath: calls + "/ready"), process.isRunning { usleep(10_000) }
            kill(process.processIdentifier, signal == "USR1" ? SIGUSR1 : SIGTERM)
        }
        process.waitUntilExit()
        return Int(process.terminationStatus)
    }
}
