import Samples

/// What a `MemoryJobStore` knows of its build.
struct MemoryContent: Sendable {
    enum UnitState: Equatable, Sendable {
        case waiting
        /// Leased or being published: the table says by whom.
        case held
        case published(generation: Int, UnitResult, isDraft: Bool)
        case failed
    }

    struct Entry: Sendable {
        let unit: WorkUnit
        var state = UnitState.waiting
        var generation = 0
        var failures = 0
        var message = ""
        /// Whether files of its name under `shards/` are the build's own.
        var isOwned = false
    }

    var build: BuildRecord?
    var isPlanned = false
    var ticket: PlanTicket?
    /// In the order of the manifest.
    var sources: [String] = []
    var entries: [UnitID: Entry] = [:]
    var table = LeaseTable()
    /// The processes of each worker's name that asked for work, in order.
    var incarnations: [String: [String]] = [:]
    var sightings: [WorkerSighting] = []
    var progress: [String: SourceProgress] = [:]

    init() {}

    init(build: BuildRecord, ticket: PlanTicket, sources: [String]) {
        (self.build, self.ticket, self.sources) = (build, ticket, sources)
    }

    func requirePlanning(_ ticket: PlanTicket) throws(CoordinationError) {
        guard build != nil, !isPlanned, self.ticket == ticket else {
            throw CoordinationError(.locked, "plan", "another process has begun to plan this build")
        }
    }

    /// Where `unit` stands in the order of the manifest.
    private func place(_ source: String, _ index: Int) -> (Int, Int) { (sources.firstIndex(of: source) ?? -1, index) }

    /// The units after `unit`, or all, in the order of the manifest.
    func ordered(after unit: UnitID? = nil) -> [Entry] {
        let start = unit.map { place($0.source, $0.index) } ?? (-1, -1)
        return entries.values.filter { place($0.unit.source, $0.unit.index) > start }.sorted {
            place($0.unit.source, $0.unit.index) < place($1.unit.source, $1.unit.index)
        }
    }

    /// Units that wait, those with the fewest failures first.
    var waiting: [Entry] {
        let waiting = ordered().filter { $0.state == .waiting }
        // Sorting is not promised to keep the order of equals.
        let failures = Set(waiting.map(\.failures)).sorted()
        return failures.flatMap { count in waiting.filter { $0.failures == count } }
    }

    var openUnitCount: Int { entries.values.count { $0.state == .waiting || $0.state == .held } }

    var failedUnitCount: Int { entries.values.count { $0.state == .failed } }

    var leftovers: [Entry] {
        ordered().filter { entry in
            guard entry.isOwned else { return false }
            return switch entry.state {
            case .published(_, _, let isDraft): isDraft
            case .held: !table.held.contains { $0.unit == entry.unit && $0.publishing != nil }
            case .waiting, .failed: true
            }
        }
    }

    func status(of id: BuildID) throws(CoordinationError) -> BuildStatus {
        guard let build else { throw CoordinationError(.store, "build", "the store holds no build yet") }
        var sums = sources.map { name in
            var sum = SourceStatus(name: name)
            sum.rowsInFlight = progress[name]?.rowsInFlight ?? 0
            sum.rowsPerSecond = progress[name]?.rowsPerSecond ?? 0
            return sum
        }
        for entry in entries.values {
            guard let index = sources.firstIndex(of: entry.unit.source) else { continue }
            sums[index].count(entry)
        }
        let failed = ordered().filter { $0.state == .failed }.prefix(BuildStatus.failedUnitLimit)
        return BuildStatus(
            build: id, phase: BuildStatus.Phase(isPlanned: isPlanned, sums.total), manifestDigest: build.manifestDigest,
            softwareVersion: build.softwareVersion, created: build.created, sources: sums,
            failedUnits: failed.map { FailedUnit(unit: $0.unit, failures: $0.failures, message: $0.message) },
            workers: sightings)
    }
}

extension SourceStatus {
    fileprivate mutating func count(_ entry: MemoryContent.Entry) {
        units += 1
        rows += entry.unit.rowCount
        switch entry.state {
        case .waiting: break
        case .held: leasedUnits += 1
        case .failed: failedUnits += 1
        case .published(_, let result, let isDraft):
            publishedUnits += 1
            draftUnits += isDraft ? 1 : 0
            publishedRows += result.rows
            samples += result.samples
            byteCount += result.byteCount
            rejections.merge(result.rejections, uniquingKeysWith: +)
        }
    }
}
