import CProcess
import Commands
import Files
import Foundation
import Tensors

/// Starts the processes of a run on this machine: copies of this program with torchrun's variables, and their own place.
package struct ProcessLauncher: Sendable {
    /// Set for the processes that a launcher starts.
    static let mark = "BLIP2_LAUNCHED"

    /// How long the others may take to end by themselves once one has failed.
    private static let grace: Duration = .seconds(10)

    private let count: Int
    private let executable: String
    private let arguments: [String]
    private let resumes: Bool

    /// A launcher of `count` processes, which run `executable`, by default this program, with `arguments`, by default its own.
    ///
    /// `resumes` says whether the same command, run again, goes on from a checkpoint.
    package init(
        _ count: Int, resumes: Bool = true, executable: String = "/proc/self/exe",
        arguments: [String] = Array(CommandLine.arguments.dropFirst())
    ) {
        self.count = count
        self.resumes = resumes
        self.executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: executable)) ?? executable
        self.arguments = arguments
    }

    /// Runs the processes to their end; the exit code of the first that failed, or 0.
    ///
    /// When this is cancelled all of them are asked to stop, by SIGTERM; SIGUSR1 goes to all of them. A process that a signal
    /// killed ends the others, with one line and exit code 75. No process outlives this one.
    ///
    /// Throws `CancellationError` where they stopped because they were asked to.
    package func run() async throws -> Int32 {
        let store: ProcessStore
        do {
            store = try ProcessStore(
                host: "127.0.0.1", port: 0, serves: true, prefix: "/launcher", timeout: .seconds(30))
        } catch {
            throw CommandError(.badInput, "--processes \(count): \(error.message)")
        }
        let children = Children()
        let warning = SignalWatch(SIGUSR1) { children.signal(SIGUSR1) }
        defer { withExtendedLifetime((warning, store)) {} }
        let code = try await withTaskCancellationHandler {
            // The thread that starts the processes waits for them: the kernel ends them with it.
            try await blocking { [self] in
                for index in 0..<count { try start(index, port: store.port, children) }
                return wait(for: children)
            }
        } onCancel: {
            children.stop()
        }
        if code == 128 + SIGTERM, Task.isCancelled { throw CancellationError() }
        return code
    }

    private func start(_ index: Int, port: UInt16, _ children: Children) throws {
        let variables = [
            "RANK": "\(index)", "LOCAL_RANK": "\(index)", "WORLD_SIZE": "\(count)", "LOCAL_WORLD_SIZE": "\(count)",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)", "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": "0", Self.mark: "1",
        ]
        let environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let code = children.start([executable] + arguments, environment.map { "\($0)=\($1)" }.sorted())
        guard code == 0 else {
            children.signal(SIGKILL)
            throw CommandError(.internalFault, "\(executable): cannot be started: \(String(cString: strerror(code)))")
        }
    }

    /// Waits for all processes, and kills those that stay too long behind one that failed.
    private func wait(for children: Children) -> Int32 {
        var code: Int32 = 0
        var deadline: ContinuousClock.Instant?
        var isSettled = false
        while children.areLeft {
            for (index, end) in children.ended() where end != 0 && !isSettled {
                // It was asked to stop before it could see to it that others stop too.
                let end = end == -SIGTERM && children.areStopped ? 128 + SIGTERM : end
                // The others may end before one that was killed, and leave the word to this process.
                if end < 0 {
                    printError(lostLine("process \(index) of \(count)", killed(by: -end), resumes: resumes))
                }
                isSettled = end < 0 || end != lostCode
                if code == 0 { code = end < 0 ? lostCode : end }
                deadline = deadline ?? .now + Self.grace
            }
            if let last = deadline, last < .now {
                isSettled = true
                children.signal(SIGKILL)
            }
        }
        return code
    }

    private func killed(by signal: Int32) -> String {
        "was killed by signal \(signal)" + (signal == SIGKILL ? ", as the system does when memory runs out" : "")
    }
}
