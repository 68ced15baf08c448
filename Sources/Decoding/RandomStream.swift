import RandomNumbers

/// A stream of random numbers addressed by position: what is drawn at one place depends on nothing drawn elsewhere.
///
/// The numbers are those of SplitMix64 started at `key`.
package struct RandomStream: Sendable, Hashable {
    private let key: UInt64

    /// The stream named `key`.
    package init(key: UInt64) { self.key = key }

    /// The number at `position` of the stream, uniform in 0..<1.
    package func uniform(_ position: Int) -> Double {
        SplitMix64.number(position, from: key).unitInterval
    }
}
