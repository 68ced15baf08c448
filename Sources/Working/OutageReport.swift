import Commands
import Fetching
import Logging

/// Says when fetching pauses and resumes, and ends the worker when a pause lasts too long.
final class OutageReport: Sendable {
    private let logger: Logger
    private let tooLong = AsyncStream.makeStream(of: Outage.self, bufferingPolicy: .bufferingNewest(1))

    init(_ logger: Logger) { self.logger = logger }

    func note(_ event: OutageEvent) {
        switch event {
        case .began(let outage): logger.warning("fetching is paused", metadata: ["reason": "\(outage.text)"])
        case .ended: logger.warning("fetching resumed")
        case .exceeded(let outage): tooLong.continuation.yield(outage)
        }
    }

    /// Throws when an outage lasts longer than `fetch.outage`; returns only when it is cancelled.
    @Sendable func failWhenTooLong() async throws {
        for await outage in tooLong.stream { throw CommandError(.outage, outage.text) }
    }
}
