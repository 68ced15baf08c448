import Foundation
import Glibc
import Locks

/// A TCP connection over which short lines come and go, without ever waiting.
///
/// One thread reads; any thread writes. A line that the other side does not take is lost; one that it takes in part ends the
/// connection, for what follows could not be read. It is either dead or stopped.
final class LineConnection: Sendable {
    private static let lineLimit = 16 << 10

    let descriptor: Int32
    private let buffer = Locked([UInt8]())

    /// Takes over `descriptor`, a connected socket.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// Sends one line, if the other side takes it.
    func send(_ line: String) {
        let bytes = Array((line.replacingOccurrences(of: "\n", with: " ") + "\n").utf8)
        let sent = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if sent > 0 && sent < bytes.count { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// The lines that have come, and whether the connection has ended.
    func read() -> (lines: [String], hasEnded: Bool) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        var hasEnded = false
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 { buffer.withLock { $0 += chunk[..<count] } }
            if count < 0 && errno == EINTR { continue }
            if count == 0 || (count < 0 && errno != EAGAIN) { hasEnded = true }
            if count <= 0 { break }
        }
        return buffer.withLock { buffer in
            var parts = buffer.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let rest = parts.popLast().map(Array.init) ?? []
            let lines = parts.map { String(decoding: $0, as: UTF8.self) }
            buffer = rest
            return (lines, hasEnded || rest.count > Self.lineLimit)
        }
    }
}

/// Listens on a free port of all addresses: the descriptor and the port.
func listenAnywhere() throws(ProcessFault) -> (descriptor: Int32, port: UInt16) {
    // Both families where the machine has both.
    for family in [AF_INET6, AF_INET] {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { continue }
        var no: Int32 = 0
        if family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, socklen_t(MemoryLayout<Int32>.size))
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        // A socket that listens without being bound gets a free port of every address.
        guard listen(descriptor, 1024) == 0, let port = localPort(of: descriptor) else {
            close(descriptor)
            continue
        }
        return (descriptor, port)
    }
    throw ProcessFault("no port to listen on: " + String(cString: strerror(errno)))
}

private func localPort(of descriptor: Int32) -> UInt16? {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard status == 0 else { return nil }
    return withUnsafePointer(to: &address) { pointer in
        // The port is at the same place in both families.
        pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
    }
}

/// A socket of `kind` that is connected to `port` of `host`, tried on each of its addresses.
func connected(to host: String, _ port: UInt16, kind: __socket_type = SOCK_STREAM) throws(ProcessFault) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(kind.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &found)
    guard status == 0 else { throw ProcessFault("\(host): " + String(cString: gai_strerror(status))) }
    defer { freeaddrinfo(found) }
    var reason = "no address"
    var next = found
    while let address = next?.pointee {
        let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        if descriptor >= 0 {
            if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
            close(descriptor)
        }
        reason = String(cString: strerror(errno))
        next = address.ai_next
    }
    throw ProcessFault("\(host):\(port): \(reason)")
}

/// The address of this machine by which `host` and others beside it reach it.
///
/// `GLOO_SOCKET_IFNAME` names another interface; this process's own host may be called by a loopback address.
func ownAddress(towards host: String, isAmongSeveral: Bool, interface: String?) throws(ProcessFault) -> String {
    if let interface {
        guard let address = interfaceAddresses().first(where: { $0.name == interface })?.address else {
            throw ProcessFault("GLOO_SOCKET_IFNAME=\(interface): no interface of this name with an address")
        }
        return address
    }
    // Connecting a datagram socket sends nothing; it only picks the way.
    let descriptor = try connected(to: host, 9, kind: SOCK_DGRAM)
    defer { close(descriptor) }
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let name = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            getsockname(descriptor, $0, &length) == 0 ? numericHost($0, length) : nil
        }
    }
    guard let name else { throw ProcessFault("no address towards \(host)") }
    guard isAmongSeveral, name.hasPrefix("127.") || name == "::1" else { return name }
    return interfaceAddresses().first { !$0.address.hasPrefix("127.") && !$0.address.contains(":") }?.address ?? name
}

private func numericHost(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> String? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    return status == 0 ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
}

/// The interfaces that are up, with their addresses, IPv4 first.
private func interfaceAddresses() -> [(name: String, address: String)] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: [(name: String, address: String, isFirst: Bool)] = []
    var next = first
    while let entry = next?.pointee {
        if let address = entry.ifa_addr, entry.ifa_flags & UInt32(IFF_UP) != 0 {
            let isFour = address.pointee.sa_family == AF_INET
            let length = isFour ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            if isFour || address.pointee.sa_family == AF_INET6, let text = numericHost(address, socklen_t(length)) {
                found.append((String(cString: entry.ifa_name), text, isFour))
            }
        }
        next = entry.ifa_next
    }
    return (found.filter(\.isFirst) + found.filter { !$0.isFirst }).map { ($0.name, $0.address) }
}
