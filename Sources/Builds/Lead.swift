import Coordination
import Files
import Foundation
import Logging

/// The lead of a build among coordinators that share a store on a server.
struct Lead: Sendable {
    /// How long a leader leads without a renewal: another takes over so long after it was killed, or stopped.
    private static let term: Duration = .seconds(8)
    private static let renewal: Duration = .seconds(2)
    /// How often one that stands by looks.
    private static let look: Duration = .seconds(1)

    private let store: SQLJobStore
    private let logger: Logger

    init(_ store: SQLJobStore, _ logger: Logger) { (self.store, self.logger) = (store, logger) }

    /// Runs `body` as soon as this process leads; throws `deposed`, and cancels `body`, when another has taken over.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await take()
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await body()
                    return true
                }
                group.addTask { try await keep() }
                defer { group.cancelAll() }
                while let isDone = try await group.next(), !isDone {}
            }
        } catch {
            await resign()
            throw error
        }
        await resign()
    }

    private func take() async throws {
        let name = "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)"
        var shown = ""
        while true {
            do {
                switch try await blocking({ [store] in try store.lead(as: name, for: Self.term) }) {
                case .leading:
                    if !shown.isEmpty { logger.notice("takes over the build", metadata: ["from": "\(shown)"]) }
                    return
                case .standby(let leader):
                    if leader != shown {
                        logger.notice("stands by: another coordinator leads", metadata: ["leader": "\(leader)"])
                    }
                    shown = leader
                }
            } catch let error as CoordinationError where error.isOutage && !shown.isEmpty {
                logger.debug("the job store is away", metadata: ["reason": "\(error)"])
            }
            try await Task.sleep(for: Self.look)
        }
    }

    private func keep() async throws -> Bool {
        while true {
            do {
                try await Task.sleep(for: Self.renewal)
            } catch {
                return false
            }
            do {
                try await blocking { [store] in try store.renewLead(for: Self.term) }
            } catch let error as CoordinationError where error.isOutage {
                logger.debug("the lead was not renewed", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func resign() async {
        do {
            try await blocking { [store] in try store.resign() }
        } catch {
            logger.debug("the lead was not given up", metadata: ["reason": "\(error)"])
        }
    }
}

/// Runs `body` again, every second for a quarter of an hour, while the job store is away.
func patiently<Value: Sendable>(_ logger: Logger, _ body: () async throws -> Value) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(15 * 60)
    var isTold = false
    while true {
        do {
            let value = try await body()
            if isTold { logger.notice("the job store is back") }
            return value
        } catch let error as CoordinationError where error.isOutage && ContinuousClock.now < deadline {
            if !isTold { logger.warning("the job store is away: waiting", metadata: ["reason": "\(error)"]) }
            isTold = true
        }
        try await Task.sleep(for: .seconds(1))
    }
}
