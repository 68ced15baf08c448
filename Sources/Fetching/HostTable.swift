import CHosts
import Glibc
import RandomNumbers

/// Where the processes of one build on one machine count what they ask of each host.
package struct SharedBounds: Sendable, Hashable {
    /// The file that they share.
    package let path: String
    /// How many processes there are, and which this is.
    package let lanes: Int
    package let lane: Int

    package init(path: String, lanes: Int, lane: Int) { (self.path, self.lanes, self.lane) = (path, lanes, lane) }
}

/// The bounds of what is asked of one host, counted over all processes that share them.
///
/// A process that is killed leaves its counts behind until the next one in its lane begins. Used on the loop's thread only.
final class HostTable {
    /// The longest time between two starts, in nanoseconds: three years.
    private static let longestInterval = 1e17

    private let table: OpaquePointer
    private let connections: Int32
    private let interval: Int64
    private let clock: () -> Int64
    /// Why the bounds are those of this process alone; nil where they are shared as was asked for.
    let fault: String?

    /// A table for `connections` exchanges at once and `rate` starts a second with each host; a `rate` of zero sets no limit.
    ///
    /// `clock` gives nanoseconds.
    init(_ shared: SharedBounds?, connections: Int, rate: Double, clock: @escaping () -> Int64 = chosts_now) {
        let opened = shared.flatMap { chosts_open($0.path, Int32($0.lanes), Int32($0.lane)) }
        fault = shared.flatMap { opened == nil ? "\($0.path): \(String(cString: strerror(errno)))" : nil }
        guard let table = opened ?? chosts_open(nil, 1, 0) else {
            preconditionFailure("no memory for the hosts' bounds")
        }
        self.table = table
        self.connections = Int32(connections)
        self.clock = clock
        interval = rate > 0 ? Int64(min(1e9 / rate, Self.longestInterval)) : 0
    }

    deinit { chosts_close(table) }

    /// Takes a place of `origin`; otherwise says how long to wait before asking again.
    func claim(_ origin: String) -> Duration? {
        let wait = chosts_claim(table, Self.key(origin), connections, interval, clock())
        return wait == 0 ? nil : .nanoseconds(wait)
    }

    /// Gives a place of `origin` back.
    func release(_ origin: String) { chosts_release(table, Self.key(origin)) }

    private static func key(_ origin: String) -> UInt64 { SplitMix64.mixed(nameHash(origin)) }
}
