import Foundation
import Locks
import NIOCore

/// The open connections of a server: at most so many, and what is done for others goes first.
///
/// A new connection beyond the limit ends one that nothing is done for: first those that have never sent a whole request, the oldest
/// first, then those that have waited longest since their last. Who holds many connections open, and sends little on
/// them, so takes nothing from others.
package final class Connections: Sendable {
    private struct Entry {
        let channel: any Channel
        var isBusy = false
        var isProven = false
        /// The order of what happened last.
        var turn: UInt64
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var turn: UInt64 = 0
        var ended = 0

        mutating func next() -> UInt64 {
            turn += 1
            return turn
        }
    }

    private let limit: Int
    private let state = Locked(State())

    /// Room for `limit`; fewer where the process may not open twice as many files.
    package init(limit: Int) {
        // Half is left for files, and for connections of the process itself.
        self.limit = max(1, min(limit, sysconf(Int32(_SC_OPEN_MAX)) / 2))
    }

    /// How many are open.
    package var count: Int { state.withLock { $0.entries.count } }

    /// How many had to make room for others.
    package var endedForOthers: Int { state.withLock { $0.ended } }

    /// Takes in a new connection, for which another may have to go; where all are busy it is the new one.
    func open(_ channel: any Channel) {
        let victim = state.withLock { state -> (any Channel)? in
            let turn = state.next()
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, turn: turn)
            guard state.entries.count > limit else { return nil }
            let waiting = state.entries.filter { !$0.value.isBusy && $0.value.channel !== channel }
            let least = waiting.min { left, right in
                let (left, right) = (left.value, right.value)
                return left.isProven == right.isProven ? left.turn < right.turn : !left.isProven
            }
            state.ended += 1
            return state.entries.removeValue(forKey: least?.key ?? ObjectIdentifier(channel))?.channel
        }
        victim?.close(promise: nil)
        channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.entries[ObjectIdentifier(channel)] = nil } }
    }

    /// Notes that a request is being answered on it.
    func began(_ channel: any Channel) { change(channel) { $0.isBusy = true } }

    /// Notes that a request was answered.
    func answered(_ channel: any Channel) { change(channel) { ($0.isBusy, $0.isProven) = (false, true) } }

    /// Ends all of them.
    func closeAll() {
        let channels = state.withLock { $0.entries.values.map(\.channel) }
        for channel in channels { channel.close(promise: nil) }
    }

    private func change(_ channel: any Channel, _ body: (inout Entry) -> Void) {
        state.withLock { state in
            let turn = state.next()
            guard var entry = state.entries[ObjectIdentifier(channel)] else { return }
            body(&entry)
            entry.turn = turn
            state.entries[ObjectIdentifier(channel)] = entry
        }
    }
}
