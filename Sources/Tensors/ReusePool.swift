import Foundation

/// Values that are costly to make and that one call at a time may use, by what they were made for.
///
/// At most `limit` of them are kept while nobody uses them; the one that was given back first goes first.
///
/// `@unchecked Sendable` because a value is in the pool or with one caller, never both, and the lock guards the pool.
package final class ReusePool<Key: Hashable, Value>: @unchecked Sendable {
    private let lock = NSLock()
    private let limit: Int
    private var free: [(key: Key, value: Value)] = []  // in the order in which they came back

    /// A pool that keeps `limit` values.
    package init(limit: Int) {
        precondition(limit > 0, "a pool that keeps nothing is none")
        self.limit = limit
    }

    /// How many values are kept.
    package var count: Int {
        lock.lock()
        defer { lock.unlock() }
        return free.count
    }

    /// Runs `body` on a free value for `key`, or on one that `make` makes; it comes back afterwards, unless `body` throws:
    /// nobody knows then what state it is in.
    ///
    /// `body` waits for what it started on a device before it returns.
    package func use<Result, Failure: Error>(
        _ key: Key, make: () throws(Failure) -> Value, _ body: (Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let value: Value
        if let free = take(key) { value = free } else { value = try make() }
        let result = try body(value)
        put(value, for: key)
        return result
    }

    private func take(_ key: Key) -> Value? {
        lock.lock()
        defer { lock.unlock() }
        return free.lastIndex { $0.key == key }.map { free.remove(at: $0).value }
    }

    private func put(_ value: Value, for key: Key) {
        lock.lock()
        var dropped: Value?  // freed after the lock is: that may take a device some time
        free.append((key, value))
        if free.count > limit { dropped = free.removeFirst().value }
        lock.unlock()
        _ = dropped
    }
}
