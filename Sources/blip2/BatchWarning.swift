import ArgumentParser
import Commands
import Foundation

/// Runs `body`; SIGUSR1, by which batch systems warn before they end a job, stops it as an interrupt does.
///
/// Throws with exit code 75 then: what was done is kept, and the same command resumes. So it does where `body` stops because
/// another process was warned. Of several processes one `speaks`.
func stoppingAtWarning(speaks: Bool = true, _ body: @escaping @Sendable () async throws -> Void) async throws {
    let (warnings, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let watch = SignalWatch(SIGUSR1) { source.yield() }
    defer {
        source.finish()
        withExtendedLifetime(watch) {}
    }
    do {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                for await _ in warnings { throw BatchWarning() }
                return false  // it was cancelled, and so is the other
            }
            for try await isDone in group where isDone {
                group.cancelAll()
                return
            }
        }
    } catch let error where error is BatchWarning || (error is CancellationError && !Task.isCancelled) {
        guard speaks else { throw ExitCode(CommandError.Code.outage.rawValue) }
        throw CommandError(.outage, "stopped as a signal asked, with a checkpoint: the same command resumes")
    }
}

private struct BatchWarning: Error {}
