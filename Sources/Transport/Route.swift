/// What the server answers: its method, its path, and who may ask.
enum Route: String, CaseIterable, Sendable {
    case healthz, metrics
    case leases, renew, publish, fail, release, heartbeat, crash, ended
    case status, manifest

    /// Who may ask.
    enum Access {
        /// Everyone, without a token.
        case open
        /// Who has a token of either kind.
        case read
        /// Who has the workers' token.
        case work
    }

    /// The route that a request names; nil where there is none.
    init?(method: String, path: String) {
        guard let route = Self.allCases.first(where: { $0.path == path && $0.method == method }) else { return nil }
        self = route
    }

    var access: Access {
        switch self {
        case .healthz: .open
        case .metrics, .status, .manifest: .read
        case .leases, .renew, .publish, .fail, .release, .heartbeat, .crash, .ended: .work
        }
    }

    var method: String { access == .work ? "POST" : "GET" }

    var path: String {
        switch self {
        case .healthz, .metrics: "/\(rawValue)"
        case .ended: "\(apiPath)/workers/ended"
        default: "\(apiPath)/\(rawValue)"
        }
    }
}
