/// When each process of a run was last heard of: decides which one is taken for lost.
struct LifeSigns {
    enum State: Hashable {
        case running
        /// It has done its part, and may leave.
        case done
    }

    /// A process that says nothing for so long hangs.
    let limit: Duration
    private var heard: [Int: Duration]
    private var states: [Int: State]
    private var last: Duration

    /// The signs of life of `processes`, all of which were heard of just now.
    init(of processes: some Sequence<Int>, limit: Duration, now: Duration) {
        self.limit = limit
        heard = Dictionary(uniqueKeysWithValues: processes.map { ($0, now) })
        states = heard.mapValues { _ in .running }
        last = now
    }

    /// Whether all have done their part.
    var areDone: Bool { states.values.allSatisfy { $0 == .done } }

    /// Whether `process` still has something to do.
    func isRunning(_ process: Int) -> Bool { states[process] == .running }

    /// Takes note of a sign of life.
    mutating func hear(_ process: Int, now: Duration) { if heard[process] != nil { heard[process] = now } }

    /// Takes note that `process` has done its part.
    mutating func note(done process: Int) { if states[process] != nil { states[process] = .done } }

    /// The first process that has been silent for too long; to be asked once a second.
    ///
    /// Where this was not asked for long, this process itself did not run, as when a batch system suspends a job: then the
    /// others get that time too.
    mutating func silent(now: Duration) -> Int? {
        let pause = now - last - .seconds(1)
        last = now
        if pause > .seconds(4) { heard = heard.mapValues { $0 + pause } }
        return heard.filter { states[$0.key] == .running && now - $0.value > limit }.keys.min()
    }
}
