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
    private let table: OpaquePointer
    private let connections: Int32
    private let interval: Int64

    /// A table for `connections` exchanges at once and `rate` starts a second with each host; a `rate` of zero sets no limit.
    init(_ shared: SharedBounds?, connections: Int, rate: Double) {
        // Where the file cannot be had, each process keeps to the bounds by itself.
        let opened = shared.flatMap { chosts_open($0.path, Int32($0.lanes), Int32($0.lane)) }
        guard let table = opened ?? chosts_open(nil, 1, 0) else {
            preconditionFailure("no memory for the hosts' bounds")
        }
        self.table = table
        self.connections = Int32(connections)
        interval = rate > 0 ? Int64(1e9 / rate) : 0
    }

    deinit { chosts_close(table) }

    /// Takes a place of `origin`; otherwise says how long to wait before asking again.
    func claim(_ origin: String) -> Duration? {
        let wait = chosts_claim(table, Self.key(origin), connections, interval)
        return wait == 0 ? nil : .nanoseconds(wait)
    }

    /// Gives a place of `origin` back.
    func release(_ origin: String) { chosts_release(table, Self.key(origin)) }

    private static func key(_ origin: String) -> UInt64 { SplitMix64.mixed(nameHash(origin)) }
}
