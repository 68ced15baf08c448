import CTorch

/// The store by which the processes of a run find each other: short texts by name, c10d's `TCPStore`.
package final class ProcessStore: @unchecked Sendable {  // c10d locks its stores
    let handle: ct_store_t

    /// Connects to the store at `host` and `port`, waiting for it for `timeout`; with `serves` it is in this process, and
    /// port 0 takes a free one.
    ///
    /// All names begin with `prefix`.
    package init(
        host: String, port: UInt16, serves: Bool, prefix: String, timeout: Duration
    ) throws(TorchError) {
        var out: ct_store_t?
        try perform("store") { ct_store_open(host, port, serves, prefix, timeout.milliseconds, &out) }
        guard let out else { throw TorchError(operation: "store", message: "no memory") }
        handle = out
    }

    deinit { ct_store_free(handle) }

    /// Where the store listens.
    package var port: UInt16 { ct_store_port(handle) }

    /// Sets `name` to `text`.
    package func set(_ name: String, to text: String) throws(TorchError) {
        let bytes = Array(text.utf8)
        try perform("store") { ct_store_set(handle, name, bytes, bytes.count) }
    }

    /// The text of `name`, once a process has set it; throws when `timeout` has passed.
    package func text(of name: String, timeout: Duration) throws(TorchError) -> String {
        let bytes = try make("store") { ct_store_get(handle, name, max(1, timeout.milliseconds), &$0) }.bytes()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether this libtorch can be used by several processes together.
    package static var isAvailable: Bool { ct_group_is_built() }
}

extension Duration {
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
