/// A stream of random numbers addressed by position: what is drawn at one place depends on nothing drawn elsewhere.
///
/// The numbers are those of SplitMix64 started at `key`.
package struct RandomStream: Sendable, Hashable {
    private let key: UInt64

    /// The stream named `key`.
    package init(key: UInt64) { self.key = key }

    /// The number at `position` of the stream, uniform in 0..<1.
    package func uniform(_ position: Int) -> Double {
        var z = key &+ UInt64(truncatingIfNeeded: position + 1) &* 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        z ^= z >> 31
        return Double(z >> 11) * 0x1p-53
    }
}
