import Samples

/// The names of the hosts that a loop asks, and their addresses.
///
/// Used on the loop's thread only.
final class HostNames {
    let resolver: NameResolver
    /// In ASCII, with their ports, by origin.
    private var names: [String: ExchangeRequest.Name] = [:]

    init(_ resolver: NameResolver) { self.resolver = resolver }

    /// Notes the name of a request's host; false where there is none to look up.
    ///
    /// Of too many names those stay whose hosts are `needed`.
    func note(_ request: ExchangeRequest, needed: (String) -> Bool) -> Bool {
        guard let name = request.name else { return false }
        if names[request.origin] != nil { return true }
        // What is no name after all is left to libcurl, and to the judge of addresses.
        guard let ascii = HostName.ascii(name.host), NetworkAddress(ascii) == nil else { return false }
        if names.count > 2 * NameCache.limit { names = names.filter { needed($0.key) } }
        names[request.origin] = ExchangeRequest.Name(host: ascii, port: name.port)
        return true
    }

    /// Whether `origin` has a name, and not only an address.
    func knows(_ origin: String) -> Bool { names[origin] != nil }

    /// Finds the addresses of `origin`, which is noted.
    func lookUp(
        _ origin: String, isFresh: Bool = false, at now: ContinuousClock.Instant,
        _ answer: @escaping (NameOutcome) -> Void
    ) {
        guard let name = names[origin] else { preconditionFailure("a host that has no name") }
        resolver.lookUp(name.host, isFresh: isFresh, at: now) { answer(NameOutcome($0)) }
    }

    /// Where `origin` is, as libcurl reads it: `+name:port:address,address`; nil where that is not known.
    func resolution(of origin: String) -> String? {
        guard let name = names[origin] else { return nil }
        let addresses = resolver.addresses(of: name.host)
        guard !addresses.isEmpty else { return nil }
        let list = addresses.map { $0.isIPv6 ? "[\($0)]" : "\($0)" }.joined(separator: ",")
        return "+\(name.host):\(name.port):\(list)"
    }
}

extension NameOutcome {
    /// What `answer` means for rows of the host.
    fileprivate init(_ answer: NameResolver.Answer) {
        switch answer {
        case .found(let entry): self = .found(until: entry.until)
        case .none: self = .none(HostFault(kind: .name, rejection: Rejection(.downloadError, "no such host")))
        case .failed:
            self = .failed(HostFault(kind: .name, rejection: Rejection(.downloadError, "name lookup failed")))
        }
    }
}
