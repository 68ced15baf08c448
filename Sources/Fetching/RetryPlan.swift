import RandomNumbers

/// When a fetch is tried again: shortly at first, then spread over the policy's patience.
///
/// A pure value; its chance is a function of the seed, the URL and the try's number.
struct RetryPlan: Sendable {
    /// The longest pause while nobody can say whether the network or the host is at fault.
    private static let longestDoubt = Duration.seconds(15)

    private let retries: Int
    private let base: Duration
    private let patience: Duration
    private let seed: UInt64
    private let url: String
    private var failures = 0
    /// The time at the first fault, by the network's clock and the other.
    private var firstFault: (networkTime: Duration, now: ContinuousClock.Instant)?

    /// The plan of a fetch of `url`.
    init(_ policy: FetchPolicy, seed: UInt64, url: String) {
        retries = policy.retries
        base = policy.backOff
        patience = policy.patience
        self.seed = seed
        self.url = url
    }

    /// The pause after another fault, nil if it was the last; zero where it does not count, since the host decides when its
    /// rows are tried again.
    mutating func pause(after standing: ExchangeAnswer.Standing, at now: ContinuousClock.Instant) -> Duration? {
        standing.excuses ? .zero : pause(networkTime: standing.networkTime, seen: standing.seen, at: now)
    }

    /// The pause after a fault that counts.
    ///
    /// `networkTime` is the time for which the network was seen to work, `seen` when it was last: while it has not been since
    /// the first fault, nobody can say whose fault it is. Nil where nobody looks.
    mutating func pause(
        networkTime: Duration, seen: ContinuousClock.Instant?, at now: ContinuousClock.Instant
    ) -> Duration? {
        let first = firstFault ?? (networkTime, now)
        let waited = networkTime - first.networkTime
        let isCertain = seen.map { $0 > first.now } ?? true
        firstFault = first
        failures += 1
        if failures <= retries { return base * doubled(failures - 1) * (0.5 + 0.5 * chance) }
        let late = failures - retries - 1
        guard waited >= patience, isCertain else {
            let next = patience == .zero ? base * doubled(late) : patience / 90 * doubled(late)
            let longest = waited < patience ? patience - waited : Self.longestDoubt
            return max(min(next * (0.5 + 0.5 * chance), longest), .milliseconds(1))
        }
        return nil
    }

    private func doubled(_ times: Int) -> Int { 1 << min(times, 20) }

    /// A number from 0 to 1 that looks like chance and is the same for the same try of the same URL.
    private var chance: Double { Jitter.number(of: url, UInt64(failures), seed: seed) }
}

/// Numbers that look like chance, by which pauses differ.
enum Jitter {
    /// A number from 0 to 1 that is the same for the same arguments.
    static func number(of text: String, _ number: UInt64, seed: UInt64 = 0) -> Double {
        SplitMix64.mixed(nameHash(text, from: seed &+ number &* SplitMix64.increment)).unitInterval
    }
}
