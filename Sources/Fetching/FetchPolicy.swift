import Foundation

/// What a fetch may do and how much it may take.
package struct FetchPolicy: Sendable, Hashable {
    /// The longest a whole transfer may take, redirects included; each retry has it anew.
    package var timeout: Duration = .seconds(10)
    /// How often a fetch is tried again after a fault that may pass.
    package var retries = 2
    /// The longest body, counted after its content encoding is undone.
    package var maxBytes = 52_428_800
    /// The longest response head, in bytes, with all its interim answers.
    package var maxHeaderBytes = 65_536
    /// How many redirects are followed.
    package var maxRedirects = 5
    /// What the client calls itself; robots rules for its product name are rules for us.
    package var userAgent: String
    /// Whether `X-Robots-Tag` and `tdm-reservation` are obeyed.
    package var honourOptOut = true
    /// Whether loopback, private, link-local and special-purpose addresses may be fetched; metadata services never.
    package var allowPrivateAddresses = false
    /// Single endpoints that are allowed whatever the rest says, as `127.0.0.1:8080` or `[::1]:8080`.
    package var allowedEndpoints: Set<String> = []
    /// The most transfers at once with one host; it begins with fewer, and has fewer again while it answers badly.
    package var connectionsPerHost = 16
    /// The most requests a second to one host; zero sets no limit.
    package var requestsPerSecond = 0.0
    /// For how long, while others answer, a fault that may pass is tried again; zero is off.
    package var patience: Duration = .zero
    /// The longest wait for a network or a host on which everything depends; zero takes every fault for the host's.
    package var outage: Duration = .zero
    /// The longest pause before the first retry; it doubles from retry to retry.
    package var backOff: Duration = .milliseconds(500)
    /// What URLs of pictures that stand for lost ones begin with, without their scheme.
    package var placeholders: [String] = []

    /// The longest wait that a server may ask for; who asks for more is not asked again.
    var longestRetryAfter: Duration { max(patience, .seconds(10)) }

    /// Whether `url` is one of those pictures.
    func isPlaceholder(_ url: String) -> Bool {
        guard !placeholders.isEmpty, let scheme = url.range(of: "://") else { return false }
        return placeholders.contains { url[scheme.upperBound...].hasPrefix($0) }
    }

    /// The default policy of a client that calls itself `userAgent`.
    package init(userAgent: String) {
        self.userAgent = userAgent
    }
}
