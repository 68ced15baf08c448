import Synchronization

/// How many bytes of images all units of a worker hold together, and whether there is room for more rows.
///
/// The limit is asked before a row is started and counted after its bytes came, so it is passed by at most the rows in
/// flight: `connections` times `fetch.max_bytes` in the worst case, a few hundred kilobytes each in the usual one.
package final class ByteBudget: Sendable {
    private let limit: Int
    private let held = Mutex(0)

    /// A budget of `limit` bytes, more than 0.
    package init(limit: Int) {
        precondition(limit > 0, "a budget of no bytes starts nothing")
        self.limit = limit
    }

    var hasRoom: Bool { held.withLock { $0 < limit } }

    fileprivate func take(_ byteCount: Int) { held.withLock { $0 += byteCount } }

    /// What one unit holds of the budget.
    final class Share: Sendable {
        private let budget: ByteBudget
        private let held = Mutex(0)

        init(of budget: ByteBudget) { self.budget = budget }

        /// A unit that failed gives back what it still holds.
        deinit { budget.take(-held.withLock { $0 }) }

        var hasRoom: Bool { budget.hasRoom }

        /// Counts `byteCount` bytes; negative when they are given back.
        func take(_ byteCount: Int) {
            held.withLock { $0 += byteCount }
            budget.take(byteCount)
        }
    }
}
