package import Coordination
import Logging

/// Workers that somebody else starts, anywhere.
package struct RemoteWorkers: Workforce {
    /// So long a worker may take to ask again after it was told to wait.
    private static let askInterval: Duration = .seconds(5)
    /// The longest wait, once nothing is left to do, for workers that have not been told yet.
    private static let farewell: Duration = .seconds(15)

    package init() {}

    package var formerLeases: Coordinator.FormerLeases { .kept }

    package func work(at place: Workplace) async throws {
        place.logger.notice(
            "waiting for workers", metadata: ["coordinator": "\(place.url)", "token-file": "\(place.tokenFile)"])
        while try await place.coordinator.hasWork() { try await Task.sleep(for: .seconds(1)) }
        // Workers that wait end when they hear that nothing is left.
        let end = ContinuousClock.now + Self.farewell
        while ContinuousClock.now < end, await place.coordinator.hasUntoldWorkers(heardWithin: Self.askInterval) {
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
