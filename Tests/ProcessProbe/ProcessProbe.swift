import ArgumentParser
import Commands
import Foundation
import ProcessGroups
import Tensors

/// What the tests of several processes run: it is started as a training is, and adds numbers up instead.
///
/// Every process writes a line with its number and its process's for each step, and stops together with the others.
@main struct ProcessProbe: AsyncParsableCommand {
    @Option var processes: Int?
    @Option var steps = 3
    @Option var join = 60
    @Option var silence = 30
    @Option(help: "The process that fails with code 65 in its second step.") var failing: Int?
    @Option(help: "The process that is slow in its second step, with a training thread that does nothing for so long.")
    var slow: Int?
    @Option var seconds = 0.0

    static func main() async { await runToExit(Self.self) }

    func run() async throws {
        switch try ProcessStart(processes: processes, environment: ProcessInfo.processInfo.environment) {
        case .alone: try await work(OneProcess())
        case .launching(let count):
            let code = try await ProcessLauncher(count).run()
            if code != 0 { throw ExitCode(code) }
        case .joining(let place):
            var patience = ProcessPatience()
            patience.join = .seconds(join)
            patience.silence = .seconds(silence)
            let joined = try JoinedProcesses(joining: place, patience: patience)
            try await joined.run { try await work(joined.group) }
        }
    }

    private func work(_ group: any ProcessGroup) async throws {
        for step in 1...steps {
            if step == 2, slow == group.index { try await Task.sleep(for: .seconds(seconds)) }
            if step == 2, failing == group.index { throw CommandError(.badInput, "the probe: asked to fail") }
            // All stop when one is to.
            let stops = try group.gathered([Task.isCancelled ? 1 : 0])
            if stops.contains([1]) {
                if group.index == 0 { try printResult("stopped before step \(step)") }
                throw CancellationError()
            }
            let value = try Tensor([Float(step * (group.index + 1))], shape: [1])
            try group.sum([value])
            let sum = Int(try value.floats()[0])
            try printResult("step \(step) process \(group.index) pid \(getpid()) sum \(sum)")
        }
    }
}
