import CCurl
import Glibc

/// The sockets of one loop's connections.
///
/// libcurl does not say which socket a transfer is on, only its local port. Used on the loop's thread only.
final class OpenSockets {
    private var descriptors: Set<Int32> = []

    /// Opens a socket; -1 where the system has none.
    func open(_ family: Int32, _ kind: Int32, _ protocolNumber: Int32) -> Int32 {
        let descriptor = socket(family, kind, protocolNumber)
        if descriptor >= 0 { descriptors.insert(descriptor) }
        return descriptor
    }

    func close(_ descriptor: Int32) -> Int32 {
        descriptors.remove(descriptor)
        return Glibc.close(descriptor)
    }

    /// The open socket whose own end is `localPort`.
    func descriptor(localPort: Int) -> Int32? {
        descriptors.first { descriptor in
            var address = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutablePointer(to: &address) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    guard getsockname(descriptor, address, &length) == 0 else { return false }
                    let raw = UnsafeRawPointer(address)
                    // The port has the same place in both families.
                    return UInt16(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_port) == UInt16(localPort)
                }
            }
        }
    }
}
