/// How many exchanges one host may have at once: a limit that grows while it answers well, and is halved when it does not.
///
/// As in TCP's slow start, every good answer raises the limit until the first burst of faults, so a round of answers doubles
/// it; after that a round raises it by one.
///
/// Exchanges have numbers in the order of their start. Those that were in flight together when one of them failed are one
/// burst: it is counted once.
struct Manners: Sendable {
    /// The limit of a host that is not known yet.
    static let firstLimit = 4
    /// An answer is late only if it also takes this much longer than usual; less is noise.
    private static let noise = Duration.milliseconds(200)
    /// How many rounds of good answers it takes to reach a limit that was too high before.
    private static let caution = 8

    private(set) var limit: Int
    private let bound: Int
    /// The limit at which the host failed last.
    private var ceiling = Int.max
    private var goodAnswers = 0
    private var lateAnswers = 0
    /// The most exchanges that were in flight at once, since the limit changed.
    private var busiest = 0
    private var typicalConnect: Duration?
    private var typicalFirstByte: Duration?
    /// The exchanges up to this number belong to bursts that are counted.
    private var counted = -1

    /// For a host that takes `bound` exchanges at most.
    init(bound: Int, adapts: Bool = true) {
        self.bound = bound
        limit = adapts ? min(Self.firstLimit, bound) : bound
    }

    /// Exchange `number` was answered: `connect` until it had a connection, nil if it was given one, then `firstByte`.
    ///
    /// `inFlight` exchanges were there with it, `latest` is the highest number that was given.
    mutating func answered(_ number: Int, latest: Int, inFlight: Int, connect: Duration?, firstByte: Duration) {
        let isLate = [Self.isLate(connect, &typicalConnect), Self.isLate(firstByte, &typicalFirstByte)].contains(true)
        guard !isLate else {
            lateAnswers += 1
            if lateAnswers * 4 >= max(limit, 4) { failed(number, latest: latest) }
            return
        }
        goodAnswers += 1
        busiest = max(busiest, inFlight)
        // A limit that was not used has not been tested.
        let mayGrow = limit < bound && busiest * 2 >= limit
        guard ceiling < .max else {
            if mayGrow { limit += 1 }
            if goodAnswers >= limit { (goodAnswers, lateAnswers) = (0, 0) }
            return
        }
        guard goodAnswers >= (limit + 1 >= ceiling ? Self.caution : 1) * limit else { return }
        if mayGrow { limit += 1 }
        (goodAnswers, lateAnswers, busiest) = (0, 0, 0)
    }

    /// Exchange `number` failed.
    mutating func failed(_ number: Int, latest: Int) {
        guard number > counted else { return }
        (ceiling, limit) = (limit, max(1, limit / 2))
        (goodAnswers, lateAnswers, busiest) = (0, 0, 0)
        counted = latest
    }

    /// Whether `time` is far above what is typical; updates what is typical.
    private static func isLate(_ time: Duration?, _ typical: inout Duration?) -> Bool {
        guard let time else { return false }
        guard let known = typical else {
            typical = time
            return false
        }
        let isLate = time > known * 2 && time > known + noise
        typical = known + (time - known) / (isLate ? 32 : 8)
        return isLate
    }
}
