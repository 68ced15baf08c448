import Foundation

/// Values that are costly to make and that one call at a time may use, by what they were made for.
///
/// `@unchecked Sendable` because a value is in the pool or with one caller, never both, and the lock guards the pool.
package final class ReusePool<Key: Hashable, Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var free: [Key: [Value]] = [:]

    package init() {}

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
        return free[key]?.popLast()
    }

    private func put(_ value: Value, for key: Key) {
        lock.lock()
        defer { lock.unlock() }
        free[key, default: []].append(value)
    }
}
