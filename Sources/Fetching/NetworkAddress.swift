import Glibc

/// An IPv4 or IPv6 address.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address as a number of 32 or 128 bits.
    let value: UInt128
    let isIPv6: Bool

    /// The IPv4 address `value`.
    init(ipv4 value: UInt32) {
        self.value = UInt128(value)
        isIPv6 = false
    }

    /// The IPv6 address `value`.
    init(ipv6 value: UInt128) {
        self.value = value
        isIPv6 = true
    }

    /// The address written as `text`: four decimal numbers, or an IPv6 address without brackets and zone.
    package init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(ipv4: UInt32(bigEndian: v4.s_addr))
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(ipv6: UInt128(v6))
        } else {
            return nil
        }
    }

    /// The address as it is usually written, without brackets.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isIPv6 {
            var raw = value.bigEndian
            inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count))
        } else {
            var raw = UInt32(truncatingIfNeeded: value).bigEndian
            inet_ntop(AF_INET, &raw, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension UInt128 {
    /// The number that the 16 bytes of `address` write, most significant first.
    init(_ address: in6_addr) {
        self = withUnsafeBytes(of: address) { $0.reduce(0) { $0 << 8 | UInt128($1) } }
    }
}

/// The addresses that begin with the same bits.
struct AddressBlock {
    private let first: NetworkAddress
    private let bits: Int

    /// The block written as `text`, such as `10.0.0.0/8`.
    init(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let first = NetworkAddress(String(parts[0])), let bits = Int(parts[1]) else {
            preconditionFailure("not a block of addresses: \(text)")
        }
        self.first = first
        self.bits = bits
    }

    func contains(_ address: NetworkAddress) -> Bool {
        guard address.isIPv6 == first.isIPv6 else { return false }
        return (address.value ^ first.value) >> UInt128((first.isIPv6 ? 128 : 32) - bits) == 0
    }
}
