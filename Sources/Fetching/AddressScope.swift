/// What an address is for.
package enum AddressScope: String, Sendable {
    case global = "public"
    case loopback
    case privateUse = "private"
    case linkLocal = "link-local"
    case carrierNAT = "carrier-grade NAT"
    /// Documentation, benchmarks, tunnels and the like: nothing on the open web.
    case special = "special-purpose"
    /// The service that hands a cloud machine its credentials.
    case metadata = "metadata service"
    case multicast
    case reserved

    /// Whether a policy that allows private addresses allows this one.
    var isLocal: Bool {
        switch self {
        case .loopback, .privateUse, .linkLocal, .carrierNAT, .special: true
        case .global, .metadata, .multicast, .reserved: false
        }
    }

    /// What `address` is for; an IPv6 address that carries an IPv4 address is for what that one is for.
    package init(_ address: NetworkAddress) {
        if address.isIPv6, Self.embeddings.contains(where: { $0.contains(address) }) {
            self.init(NetworkAddress(ipv4: UInt32(truncatingIfNeeded: address.value)))
        } else if let match = Self.blocks.first(where: { $0.block.contains(address) }) {
            self = match.scope
        } else if address.isIPv6, Self.isISATAP(address) {
            self = .special
        } else if address.isIPv6, !Self.globalUnicast.contains(address) {
            self = .reserved
        } else {
            self = .global
        }
    }

    private static let globalUnicast = AddressBlock("2000::/3")

    /// IPv4-mapped addresses, and those of a NAT64 gateway.
    private static let embeddings = [AddressBlock("::ffff:0:0/96"), AddressBlock("64:ff9b::/96")]

    /// An interface identifier that a tunnel makes of an IPv4 address (RFC 5214).
    private static func isISATAP(_ address: NetworkAddress) -> Bool {
        let identifier = UInt32(truncatingIfNeeded: address.value >> 32)
        return identifier == 0x0000_5efe || identifier == 0x0200_5efe
    }

    /// The first block that holds an address decides.
    ///
    /// Source: IANA's registries of special-purpose addresses; the documentation of the clouds for their metadata.
    private static let blocks: [(block: AddressBlock, scope: AddressScope)] = {
        let list: [(AddressScope, [String])] = [
            (
                .metadata,
                [
                    "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32",
                    "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd00:ec2::23/128",
                ]
            ),
            (.loopback, ["127.0.0.0/8", "::1/128"]),
            (.privateUse, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"]),
            (.linkLocal, ["169.254.0.0/16", "fe80::/10"]),
            (.carrierNAT, ["100.64.0.0/10"]),
            (
                .special,
                [
                    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
                    "203.0.113.0/24", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
                    "3fff::/20",
                ]
            ),
            (.multicast, ["224.0.0.0/4", "ff00::/8"]),
            (.reserved, ["0.0.0.0/8", "240.0.0.0/4"]),
        ]
        return list.flatMap { scope, blocks in blocks.map { (AddressBlock($0), scope) } }
    }()
}
