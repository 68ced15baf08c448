import Samples

/// What was the matter when a host did not answer as it should; it may pass.
struct HostFault: Error, Hashable, Sendable {
    enum Kind: String, Sendable, Hashable {
        /// No name server said whether the host exists.
        case name
        /// The host accepted no connection.
        case connection
        /// A connection broke.
        case reset
        /// Nothing was received within the time limit.
        case silence
        /// An answer began and did not end: what was asked for may be the reason.
        case partial
        /// The host has too much to do, and said so.
        case overload
        /// The host has a fault of its own, and said so.
        case server
    }

    let kind: Kind
    /// What the table says about a row that fails with it.
    let rejection: Rejection
    var status: Int?
    /// What the host asks to wait before the next request.
    var retryAfter: Duration?
    /// Whether that is longer than the patience: the host's rows fail at once.
    var asksTooMuch = false

    /// Whether the host sent nothing.
    var isSilent: Bool { [.name, .connection, .reset, .silence].contains(kind) }
    /// Whether fewer exchanges at once may help.
    var asksForLess: Bool { kind != .server && kind != .name }
    /// This many bursts without an answer in between put a host aside.
    var burstLimit: Int {
        switch kind {
        case .silence: 2
        case .name, .connection, .reset: 3
        case .partial, .overload, .server: 6
        }
    }
}

/// How an exchange ended, as far as its host is concerned.
enum HostOutcome: Hashable, Sendable {
    /// It answered; `connect` is nil on a connection that was there.
    case answered(connect: Duration?, firstByte: Duration)
    case failed(HostFault)
    /// It was ended on our side, and says nothing about the host.
    case unknown

    /// Whether the host sent anything.
    var isHeard: Bool {
        switch self {
        case .answered: true
        case .failed(let fault): !fault.isSilent
        case .unknown: false
        }
    }
}
