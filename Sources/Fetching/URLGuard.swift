import Samples

/// Decides what may be fetched: a URL before anything happens, an address before it is connected to.
package struct URLGuard: Sendable {
    /// An answer, with its reason.
    package enum Verdict: Hashable, Sendable {
        case allowed
        /// Why not, in a few words for people.
        case blocked(String)
    }

    private let allowsLocal: Bool
    private let endpoints: Set<String>

    /// The guard of `policy`.
    package init(_ policy: FetchPolicy) {
        allowsLocal = policy.allowPrivateAddresses
        endpoints = policy.allowedEndpoints
    }

    /// Reads and judges `url`: its scheme, credentials, port, and its host where that is an address.
    package func address(of url: String) throws(FetchFailure) -> WebAddress {
        try checked { () throws(WebAddress.Fault) in try WebAddress(url) }
    }

    /// Reads and judges a redirect of `base` to `reference`.
    func redirect(of base: WebAddress, to reference: String) throws(FetchFailure) -> WebAddress {
        try checked { () throws(WebAddress.Fault) in try base.resolving(reference) }
    }

    /// Whether a connection to `address` at `port` may be made.
    package func judge(_ address: NetworkAddress, port: Int) -> Verdict {
        let host = address.isIPv6 ? "[\(address)]" : "\(address)"
        if !endpoints.isEmpty, endpoints.contains("\(host):\(port)") { return .allowed }
        if Self.servicePorts.contains(port) { return .blocked("port \(port)") }
        let scope = AddressScope(address)
        if scope == .global || (allowsLocal && scope.isLocal) { return .allowed }
        return .blocked("\(scope.rawValue) address")
    }

    private func checked(_ read: () throws(WebAddress.Fault) -> WebAddress) throws(FetchFailure) -> WebAddress {
        let address: WebAddress
        do throws(WebAddress.Fault) {
            address = try read()
        } catch {
            switch error {
            case .malformed(let why): throw FetchFailure(Rejection(.badRow, why))
            case .forbidden(let why): throw FetchFailure(Rejection(.blockedAddress, why))
            }
        }
        if case .blocked(let why) = judge(address) {
            throw FetchFailure(Rejection(.blockedAddress, why), finalURL: "\(address)")
        }
        return address
    }

    /// What can be said of `address` before its name is resolved.
    private func judge(_ address: WebAddress) -> Verdict {
        if let literal = address.literal { return judge(literal, port: address.port) }
        let isAllowed = endpoints.contains { $0.hasSuffix(":\(address.port)") }
        return isAllowed || !Self.servicePorts.contains(address.port) ? .allowed : .blocked("port \(address.port)")
    }

    /// Ports at which something other than a web server listens.
    ///
    /// Source: WHATWG Fetch standard, "bad port", with the usual ports of databases and of cluster and container control.
    private static let servicePorts: Set<Int> = [
        1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
        110,
        111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530,
        531,
        532, 540, 548, 554, 556, 563, 587, 601, 636, 873, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 2375,
        2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5900, 6000, 6379, 6566, 6665, 6666, 6667,
        6668,
        6669, 6679, 6697, 6817, 6818, 6819, 9092, 10080, 10250, 11211, 27017,
    ]
}
