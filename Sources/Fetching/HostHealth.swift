import CCurl

/// Which hosts are put aside for a while, because they answered to nothing lately.
///
/// A name that cannot be resolved is remembered as that; a host that takes no connection, or takes it and says nothing, after
/// `patience` such faults in a row. A single answer of any kind clears a host. A pause doubles each time it ends in the same
/// fault: one try an hour or so is what a dead host of a million rows costs at last.
struct HostHealth: Sendable {
    private struct Record {
        var faults = 0
        var pause = HostHealth.firstPause
        var resumes: ContinuousClock.Instant?
    }

    static let patience = 8
    static let firstPause = Duration.seconds(60)
    static let longestPause = Duration.seconds(3600)
    /// The most hosts that are remembered: about 20 MB.
    static let hostLimit = 100_000

    private var records: [String: Record] = [:]

    /// How many hosts have faults to remember.
    var count: Int { records.count }

    /// Whether `origin` is put aside at `now`.
    func isAside(_ origin: String, at now: ContinuousClock.Instant) -> Bool {
        records[origin]?.resumes.map { now < $0 } ?? false
    }

    /// Writes down how a transfer with `origin` ended.
    mutating func note(_ answer: ExchangeAnswer, of origin: String, at now: ContinuousClock.Instant) {
        switch answer.ending {
        case .failed(let code, _) where code == CURLE_COULDNT_RESOLVE_HOST.rawValue:
            note(faults: Self.patience, origin, now)
        case .failed(let code, _) where code == CURLE_COULDNT_CONNECT.rawValue: note(faults: 1, origin, now)
        case .timedOut where answer.head.byteCount == 0: note(faults: 1, origin, now)
        case .cancelled, .closed, .blocked: break  // said by us
        default: records[origin] = nil
        }
    }

    private mutating func note(faults: Int, _ origin: String, _ now: ContinuousClock.Instant) {
        if records.count >= Self.hostLimit, records[origin] == nil { records.removeAll() }  // begins anew
        var record = records[origin] ?? Record()
        record.faults += faults
        if record.faults >= Self.patience {
            if record.resumes != nil { record.pause = min(record.pause * 2, Self.longestPause) }
            record.resumes = now + record.pause
        }
        records[origin] = record
    }
}
