import CPostgres
import Databases
import Dispatch
import Glibc
import Locks

/// A few connections of one kind, opened when they are needed and opened again when they were lost.
final class PostgresPool: Sendable {
    /// A place in the pool, and the connection in it if there is one.
    final class Place {
        fileprivate(set) var connection: PostgresConnection?
        /// When the one who has it gives up.
        let deadline: ContinuousClock.Instant

        fileprivate init(_ connection: PostgresConnection?, _ deadline: ContinuousClock.Instant) {
            self.connection = connection
            self.deadline = deadline
        }
    }

    /// The server was away: how often in a row, and until when it is not asked again.
    private struct Absence {
        var failures = 0
        var notBefore = ContinuousClock.now
        var message = ""
    }

    let address: PostgresAddress
    let timeouts: PostgresTimeouts
    private let settings: PostgresSettings
    private let places: DispatchSemaphore
    private let idle = Locked<[PostgresConnection]>([])
    private let absence = Locked(Absence())

    /// At most `limit` connections.
    init(_ address: PostgresAddress, _ timeouts: PostgresTimeouts, _ settings: PostgresSettings, limit: Int) {
        self.address = address
        self.timeouts = timeouts
        self.settings = settings
        places = DispatchSemaphore(value: limit)
    }

    /// Waits for a place and lends it to `body`.
    func withPlace<Value>(_ body: (Place) throws -> Value) throws -> Value {
        let deadline = ContinuousClock.now + timeouts.patience
        places.wait()
        let place = Place(idle.withLock { $0.popLast() }, deadline)
        defer {
            if let connection = place.connection, connection.isUsable { idle.withLock { $0.append(connection) } }
            places.signal()
        }
        return try body(place)
    }

    /// The connection of `place`, which is opened if there is none or it was lost, with growing pauses between attempts.
    ///
    /// Throws `refused` at once, and `unavailable` when the next attempt would be too late.
    func connection(of place: Place) throws(DatabaseError) -> PostgresConnection {
        if let connection = place.connection, connection.isUsable { return connection }
        place.connection = nil
        while true {
            try awaitTurn(place.deadline)
            switch attempt() {
            case .opened(let connection):
                absence.withLock { $0.failures = 0 }
                place.connection = connection
                return connection
            case .refused(let message):
                throw DatabaseError(.refused, address.shown, message)
            case .away(let message):
                absence.withLock {
                    $0.failures += 1
                    $0.notBefore = .now + Self.pause(after: $0.failures)
                    $0.message = message
                }
            }
        }
    }

    /// Sleeps until the server may be asked again.
    private func awaitTurn(_ deadline: ContinuousClock.Instant) throws(DatabaseError) {
        let (notBefore, message) = absence.withLock { ($0.notBefore, $0.message) }
        let pause = notBefore - .now
        guard pause > .zero else { return }
        guard notBefore < deadline else { throw DatabaseError(.unavailable, address.shown, message) }
        usleep(UInt32(pause.inMilliseconds + 1) * 1000)
    }

    /// 0.1 s, doubled each time, 3 s at most.
    private static func pause(after failures: Int) -> Duration {
        min(.milliseconds(100) * (1 << min(failures - 1, 8)), .seconds(3))
    }

    // MARK: Opening

    private enum Attempt {
        case opened(PostgresConnection)
        case refused(String)
        case away(String)
    }

    /// Connects; tells a server that refuses from one that is away or is just starting.
    private func attempt() -> Attempt {
        do { return .opened(try open()) } catch {
            let isUp = cpg_answers(address.url, settings.keywords) == 1
            guard isUp, !Self.passes(error.message) else { return .away(error.message) }
        }
        // It answers, but maybe it has been up for a moment only.
        do { return .opened(try open()) } catch {
            let isUp = cpg_answers(address.url, settings.keywords) == 1
            return isUp && !Self.passes(error.message) ? .refused(error.message) : .away(error.message)
        }
    }

    /// Whether a refusal passes by itself: no server leads at the moment, or all connections are taken.
    private static func passes(_ message: String) -> Bool {
        ["read-only", "standby", "too many", "slots"].contains { message.contains($0) }
    }

    private func open() throws(PostgresConnection.Fault) -> PostgresConnection {
        let connection = try PostgresConnection(address, keywords: settings.keywords)
        try connection.run(settings.session, within: timeouts.answer)
        return connection
    }
}
