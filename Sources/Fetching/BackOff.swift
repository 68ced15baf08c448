import RandomNumbers

/// How long to wait before a retry: a pure function of the policy, the seed, the URL and the retry's number.
struct BackOff: Sendable {
    private let retries: Int
    private let base: Duration
    private let longestRetryAfter: Duration
    private let seed: UInt64

    init(_ policy: FetchPolicy, seed: UInt64) {
        retries = policy.retries
        base = policy.backOff
        longestRetryAfter = policy.longestRetryAfter
        self.seed = seed
    }

    /// The pause before retry `number` (from 1) of `url`; nil if there is to be none.
    ///
    /// Doubling from retry to retry, between half of it and all of it by chance; at least what the server asks for.
    func pause(before number: Int, of url: String, retryAfter: Duration? = nil) -> Duration? {
        guard number <= retries, (retryAfter ?? .zero) <= longestRetryAfter else { return nil }
        let longest = base * (1 << min(number - 1, 16))
        return (retryAfter ?? .zero) + longest * (0.5 + 0.5 * chance(url, number))
    }

    /// A number from 0 to 1 that looks like chance and is the same for the same arguments.
    private func chance(_ url: String, _ number: Int) -> Double {
        SplitMix64.mixed(nameHash(url, from: seed &+ UInt64(number) &* SplitMix64.increment)).unitInterval
    }
}
