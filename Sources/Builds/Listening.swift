import Glibc
import Logging
import Transport

/// Where the coordinator of a build listens, and the files from which workers learn of it.
package struct Listening: Hashable, Sendable {
    /// An IP address, or `localhost`.
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port: UInt16 = 0
    /// The host that workers are told; nil for `host`, or for this machine's name where `host` stands for all addresses.
    package var advertisedHost: String?
    /// The file with the workers' token, which is made where there is none; nil for `.state/token` in the output.
    package var tokenFile: String?
    /// The file with the token of those who may only look, made likewise; nil for no such token.
    package var readTokenFile: String?
    /// The file that gets the coordinator's address while it listens; nil for none.
    package var addressFile: String?

    package init() {}

    /// The same file, to be written.
    var address: AddressFile? { addressFile.map(AddressFile.init) }

    /// Says in the address file that nothing is left to do.
    func sayFinished(_ logger: Logger) {
        do {
            try address?.finish()
        } catch {
            logger.debug("workers that come now wait in vain", metadata: ["reason": "\(error)"])
        }
    }
}

extension Listening {
    /// Reads `HOST:PORT`, with an IPv6 address in brackets; nil where it is no such thing.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil  // an IPv6 address whose last group would be taken for the port
        }
        guard host == "localhost" || Self.isAddress(String(host)) else { return nil }
        (self.host, self.port) = (String(host), port)
    }

    private static func isAddress(_ text: String) -> Bool {
        var (v4, v6) = (in_addr(), in6_addr())
        return unsafe inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1
    }
}
