import Glibc

/// A port of 127.0.0.1 that is nobody else's, and at which nobody listens.
final class RefusingPort: Sendable {
    let number: Int
    private let descriptor: Int32

    /// A port that refuses connections, or datagrams.
    init(_ kind: __socket_type = SOCK_STREAM) {
        descriptor = socket(AF_INET, Int32(kind.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { [descriptor] raw in
            raw.withMemoryRebound(to: sockaddr.self, capacity: 1) { own in
                guard bind(descriptor, own, length) == 0, getsockname(descriptor, own, &length) == 0 else {
                    return false
                }
                // A datagram's socket that is connected to itself takes none from others: the system refuses them.
                return kind != SOCK_DGRAM || connect(descriptor, own, length) == 0
            }
        }
        precondition(descriptor >= 0 && isBound, "no port to be had")
        number = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
