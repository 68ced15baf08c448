/// Why rows of a host fail, as one worker found it.
package struct HostFinding: Hashable, Sendable, Codable {
    /// The kind of the fault, by the name that the fetcher gives it.
    package let kind: String
    /// The reason that its rows are given, and the message.
    package let reason: String
    package let message: String
    /// The HTTP status; nil where there was none.
    package let status: Int?

    package init(kind: String, reason: String, message: String, status: Int?) {
        (self.kind, self.reason, self.message, self.status) = (kind, reason, message, status)
    }
}

/// What is known of a host that wants no requests for a while.
package struct HostNews: Hashable, Sendable, Codable {
    /// For how many seconds from now it is to be left alone, as it asked for.
    package var heldSeconds: Double?
    /// For how many seconds from now its rows fail at once, since it was given up.
    package var restSeconds: Double?
    /// Why it was given up.
    package var finding: HostFinding?

    package init(heldSeconds: Double? = nil, restSeconds: Double? = nil, finding: HostFinding? = nil) {
        (self.heldSeconds, self.restSeconds, self.finding) = (heldSeconds, restSeconds, finding)
    }
}

/// What a worker uses of one host, and what it has learnt of it since it last told.
package struct HostUse: Hashable, Sendable, Codable {
    /// Scheme, name and port.
    package let host: String
    /// Transfers under way.
    package let running: Int
    /// The most transfers at once that it could do.
    package let wanted: Int
    package var news: HostNews?

    package init(host: String, running: Int, wanted: Int, news: HostNews? = nil) {
        (self.host, self.running, self.wanted, self.news) = (host, running, wanted, news)
    }
}

/// What a worker may use of one host, and what others have learnt of it.
package struct HostShare: Hashable, Sendable, Codable {
    package let host: String
    /// The most transfers at once.
    package let connections: Int
    /// The most requests a second; 0 sets no limit.
    package let rate: Double
    package var news: HostNews?

    package init(host: String, connections: Int, rate: Double, news: HostNews? = nil) {
        (self.host, self.connections, self.rate, self.news) = (host, connections, rate, news)
    }
}
