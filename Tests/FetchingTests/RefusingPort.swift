import Foundation
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

    /// Takes connections from now on, and answers each with an empty body.
    func listen() {
        Glibc.listen(descriptor, 64)
        Thread.detachNewThread { [self] in
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                var request = [UInt8](repeating: 0, count: 4096)
                _ = recv(connection, &request, request.count, 0)
                let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
                _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
                close(connection)
            }
        }
    }

    deinit { close(descriptor) }
}
