import Locks

/// A clock that stands still: sleeps are written down, and over at once.
final class RecordingClock: Clock {
    private let recorded = Locked<[Duration]>([])
    let now = ContinuousClock().now
    let minimumResolution = Duration.nanoseconds(1)

    /// The sleeps so far.
    var sleeps: [Duration] { recorded.withLock { $0 } }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        recorded.withLock { $0.append(now.duration(to: deadline)) }
        try Task.checkCancellation()
    }
}
