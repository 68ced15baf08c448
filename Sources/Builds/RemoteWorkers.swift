package import Coordination
import Logging
import Slurm

/// Workers that somebody else starts, anywhere.
package struct RemoteWorkers: Workforce {
    /// So long a worker may take to ask again after it was told to wait, or was started again after a crash.
    private static let askInterval: Duration = .seconds(5)
    /// The longest wait, once nothing is left to do, for workers that have not been told yet.
    private static let farewell: Duration = .seconds(15)

    /// How often Slurm is asked which of its jobs run.
    private static let watchInterval: Duration = .seconds(10)

    private let slurmJobs: [String]

    /// Workers that are tasks of the Slurm jobs called one of `slurmJobs`, as `BatchScript` names them, or any others.
    package init(slurmJobs: [String] = []) { self.slurmJobs = slurmJobs }

    package var formerLeases: Coordinator.FormerLeases { .kept }

    package func work(at place: Workplace) async throws {
        place.logger.notice(
            "waiting for workers", metadata: ["coordinator": "\(place.url)", "token-file": "\(place.tokenFile)"])
        try await withThrowingTaskGroup { group in
            if !slurmJobs.isEmpty { group.addTask { try await watch(place) } }
            while try await patiently(place.logger, { try await place.coordinator.hasWork() }) {
                try await Task.sleep(for: .seconds(1))
            }
            group.cancelAll()
        }
        // Workers that wait end when they hear that nothing is left.
        let end = ContinuousClock.now + Self.farewell
        while ContinuousClock.now < end, await place.coordinator.hasUntoldWorkers(heardWithin: Self.askInterval) {
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Takes back at once what workers hold whose job does not run any more, on a dead node for instance.
    private func watch(_ place: Workplace) async throws {
        let slurm = SlurmCommands()
        while !Task.isCancelled {
            // Before Slurm is asked, so that a worker that has just started is not taken for dead.
            let holders = try await patiently(place.logger) { try await place.coordinator.leaseHolders() }
            let workers = holders.compactMap { worker in
                SlurmJob.id(ofWorker: worker).map { (name: worker, job: $0) }
            }
            do {
                let running =
                    workers.isEmpty ? [] : try await slurm.jobs(named: slurmJobs).filter(\.isRunning).map(\.id)
                for worker in workers where !running.contains(worker.job) {
                    _ = try await patiently(place.logger) {
                        try await place.coordinator.workerEnded(worker.name, message: nil)
                    }
                    place.logger.notice("a worker's job does not run any more", metadata: ["worker": "\(worker.name)"])
                }
            } catch let error as SlurmError {
                place.logger.debug("Slurm did not answer", metadata: ["reason": "\(error)"])
            }
            try? await Task.sleep(for: Self.watchInterval)  // throws only when cancelled
        }
    }
}
