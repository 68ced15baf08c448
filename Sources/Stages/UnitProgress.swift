import Locks
import Samples

/// How far a work unit is, counted while it runs, and whether it moves.
package final class UnitProgress: Sendable {
    package struct Counts: Sendable, Equatable {
        /// Rows done, whatever became of them.
        package var rows = 0
        package var samples = 0
        package var fetchedByteCount = 0
        /// Rows left out, by the raw value of their reason.
        package var rejections: [String: Int] = [:]
        package init() {}
    }

    /// Where a row is on its way.
    package enum Phase: Sendable, Hashable {
        /// In the fetcher: its bytes come, or it waits for its turn.
        case fetching
        /// In the fetcher: its host is in trouble.
        case putOff
        /// In the fetcher: its host was in trouble and is asked again, and nothing has come yet.
        case probing
        case encoding
        /// Its image is stored; it waits for the models, or is with them.
        case captioning

        /// Whether its host is in trouble; a row that probes it counts, since of many hosts one is probed at any moment.
        var isPutOff: Bool { self == .putOff || self == .probing }
    }

    /// How far a unit and its worker were at one moment: what `isAlive` compares with the next time.
    package struct Sighting: Sendable {
        fileprivate var moves = -1
        fileprivate var fetches = -1
        fileprivate var models = -1
        package init() {}
    }

    private struct State {
        var counts = Counts()
        var moves = 0
        var isStarting = true
        var isPreparing = false
        var rows: [Phase: Int] = [:]

        /// How many rows wait for hosts in trouble.
        private var troubled: Int { rows.reduce(0) { $0 + ($1.key.isPutOff ? $1.value : 0) } }

        /// Every row that is not done waits for a host in trouble, or to be let in.
        var waitsForHosts: Bool { (isStarting || troubled > 0) && troubled == rows.values.reduce(0, +) }

        /// Every row that is not done waits for a host in trouble.
        var isParked: Bool { !isStarting && waitsForHosts }

        /// A row is, or may be, with the fetcher.
        var isFetching: Bool { isStarting || rows[.fetching, default: 0] + rows[.probing, default: 0] > 0 }
    }

    private let state = Locked(State())
    private let pulse: WorkerPulse
    private let changed: @Sendable () -> Void

    /// `changed` is called when the answers of `isParked` and `hasStarted` change.
    package init(_ pulse: WorkerPulse = WorkerPulse(), changed: @escaping @Sendable () -> Void = {}) {
        self.pulse = pulse
        self.changed = changed
    }

    package var counts: Counts { state.withLock { $0.counts } }
    /// Whether all rows that are not done wait for hosts in trouble.
    package var isParked: Bool { state.withLock { $0.isParked } }
    /// Whether the last row was taken from the list.
    package var hasStarted: Bool { state.withLock { !$0.isStarting } }

    /// Whether the unit moved since `sighting`, or waits for what does, or until a time that was announced.
    ///
    /// A row that waits for its turn, in the fetcher or before the models, moves when those do. One that was not let in
    /// yet may wait for rows of other units that are put off, so announced times are the whole worker's.
    package func isAlive(since sighting: inout Sighting, now: ContinuousClock.Instant = .now) -> Bool {
        let (fetches, models, announced) = (pulse.fetches, pulse.models, pulse.announced)
        return state.withLock { state in
            defer { (sighting.moves, sighting.fetches, sighting.models) = (state.moves, fetches, models) }
            if state.moves != sighting.moves || state.isPreparing { return true }
            if state.waitsForHosts, let announced, now < announced { return true }
            if state.isFetching, fetches != sighting.fetches { return true }
            return state.rows[.captioning, default: 0] > 0 && models != sighting.models
        }
    }

    /// Notes that something moved.
    package func moved() { state.withLock { $0.moves += 1 } }

    /// Notes that bytes of a row came.
    func received() {
        pulse.fetched()
        moved()
    }

    /// Runs `body`, which goes over whole files of which nothing is seen meanwhile.
    func preparing<Value, Failure: Error>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
        state.withLock { $0.isPreparing = true }
        defer { change { $0.isPreparing = false } }
        return try await body()
    }

    /// The last row was taken from the list.
    func allStarted() { change { $0.isStarting = false } }

    /// A row goes from one phase to the next; nil before the first and after the last.
    func go(from old: Phase?, to new: Phase?, until announced: ContinuousClock.Instant? = nil) {
        if let announced { pulse.announce(announced) }
        change { state in
            if let old { state.rows[old, default: 0] -= 1 }
            if let new { state.rows[new, default: 0] += 1 }
        }
    }

    /// Counts the bytes of a row.
    func count(fetchedByteCount: Int) { change { $0.counts.fetchedByteCount += fetchedByteCount } }

    /// Counts a row that is done: kept, or left out for `reason`.
    func countDone(_ reason: Rejection.Reason?) {
        change { state in
            state.counts.rows += 1
            if let reason {
                state.counts.rejections[reason.rawValue, default: 0] += 1
            } else {
                state.counts.samples += 1
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let isOther = state.withLock { state in
            let before = (state.isParked, state.isStarting)
            body(&state)
            state.moves += 1
            return before != (state.isParked, state.isStarting)
        }
        if isOther { changed() }
    }
}

/// Whether the fetcher and the models of a worker move, whichever unit's rows they have.
package final class WorkerPulse: Sendable {
    private let counters = Locked((fetches: 0, models: 0, announced: ContinuousClock.Instant?.none))

    package init() {}

    package var fetches: Int { counters.withLock { $0.fetches } }
    package var models: Int { counters.withLock { $0.models } }
    /// The latest time until which a row said that it waits.
    package var announced: ContinuousClock.Instant? { counters.withLock { $0.announced } }

    package func fetched() { counters.withLock { $0.fetches += 1 } }
    func announce(_ instant: ContinuousClock.Instant) {
        counters.withLock { $0.announced = max($0.announced ?? instant, instant) }
    }
    /// A model made a token, or finished an image.
    package func modelMoved() { counters.withLock { $0.models += 1 } }
}
