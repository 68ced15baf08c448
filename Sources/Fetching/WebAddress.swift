/// An `http` or `https` URL in one plain form, so that what is judged is what is fetched.
///
/// The host is in lower case or a bracketed IPv6 address, numbers that mean an IPv4 address are written as four decimal
/// ones, nothing in the path or query needs escaping, and there is neither user nor fragment. A host may hold
/// non-ASCII letters; libcurl converts them.
package struct WebAddress: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no such URL.
    enum Fault: Error, Hashable {
        /// Not a URL at all.
        case malformed(String)
        /// A URL that must not be fetched.
        case forbidden(String)
    }

    package let isSecure: Bool
    package let host: String
    package let port: Int
    /// Path and query, from `/` on.
    package let target: String

    /// The address of `host` where that is one.
    var literal: NetworkAddress? {
        NetworkAddress(host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host)
    }

    /// Scheme, host and port: what a connection is kept for.
    var origin: String {
        (isSecure ? "https://" : "http://") + host + (port == (isSecure ? 443 : 80) ? "" : ":\(port)")
    }

    /// The whole URL.
    package var description: String { origin + target }
}

extension WebAddress {
    /// The longest URL, in bytes.
    static let longest = 8192

    /// Reads `text` as browsers do: tabs are dropped, `\` and any number of slashes are read as theirs, and characters that
    /// a path cannot hold are escaped.
    ///
    /// Two things that browsers repair are refused, since a list means something else by them: a line end inside a URL, which
    /// joins two lines, and a host without a slash before it.
    init(_ text: String) throws(Fault) {
        let bytes = Self.cleaned(text)
        guard bytes.count <= Self.longest else { throw .malformed("URL over \(Self.longest) bytes") }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { throw .malformed("control character in URL") }

        // 1. The scheme.
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(bytes[..<colon]) else {
            throw .malformed("URL without a scheme")
        }
        let scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
        guard scheme == "http" || scheme == "https" else { throw .forbidden("scheme \(scheme.prefix(16))") }

        // 2. Host and port, after one slash or more.
        let afterScheme = bytes[(colon + 1)...]
        let rest = afterScheme.drop { $0 == UInt8(ascii: "/") }
        guard rest.count < afterScheme.count else { throw .malformed("URL without // before its host") }
        let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        guard end > rest.startIndex else { throw .malformed("URL without a host") }
        let authority = String(decoding: rest[..<end], as: UTF8.self)
        guard !authority.contains("@") else { throw .forbidden("URL with credentials") }
        let (host, port) = try Self.splitPort(authority)

        // 3. Path and query.
        let fragment = rest[end...].firstIndex(of: UInt8(ascii: "#")) ?? rest.endIndex
        let target = Self.escaped(rest[end..<fragment])
        isSecure = scheme == "https"
        self.host = try HostName.canonical(host)
        self.port = port ?? (scheme == "https" ? 443 : 80)
        self.target = target.hasPrefix("/") ? target : "/" + target
    }

    /// The URL that `reference`, the value of a `Location` header, means here.
    ///
    /// Source: RFC 3986 §5.2.2, and of the WHATWG URL standard what is read as a host; dot segments are left to libcurl.
    func resolving(_ reference: String) throws(Fault) -> WebAddress {
        let bytes = Self.cleaned(reference)
        var text = String(decoding: bytes, as: UTF8.self)
        if let colon = bytes.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(bytes[..<colon]) {
            let scheme = text.prefix(colon).lowercased()
            let rest = bytes[(colon + 1)...]
            let isAbsolute = scheme != (isSecure ? "https" : "http") || rest.starts(with: "//".utf8)
            guard !isAbsolute else { return try WebAddress(text) }
            text = String(decoding: rest, as: UTF8.self)  // behind this URL's own scheme, a path is one here
        }
        if text.hasPrefix("//") { return try WebAddress((isSecure ? "https:" : "http:") + text) }
        if text.hasPrefix("/") { return try WebAddress(origin + text) }
        let path = target.prefix { $0 != "?" }
        if text.hasPrefix("?") { return try WebAddress(origin + path + text) }
        if text.isEmpty || text.hasPrefix("#") { return self }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return try WebAddress(origin + folder + text)
    }

    /// `text` without the blanks around it and without tabs; up to the query, `\` is `/`.
    ///
    /// It is done before anything is read, so that a host is the same here, in the guard and in libcurl.
    /// Source: WHATWG URL standard, "URL parsing".
    private static func cleaned(_ text: String) -> [UInt8] {
        let bytes = text.utf8.filter { $0 != 0x09 }
        guard let first = bytes.firstIndex(where: { $0 > 0x20 }), let last = bytes.lastIndex(where: { $0 > 0x20 })
        else {
            return []
        }
        let query = bytes[first...last].firstIndex { "?#".utf8.contains($0) } ?? bytes.endIndex
        return bytes[first...last].enumerated().map { index, byte in
            first + index < query && byte == UInt8(ascii: "\\") ? UInt8(ascii: "/") : byte
        }
    }

    private static func isScheme(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, Character(UnicodeScalar(first)).isLetter else { return false }
        return bytes.allSatisfy { byte in
            let character = Character(UnicodeScalar(byte))
            return byte < 0x80 && (character.isLetter || character.isNumber || "+-.".contains(character))
        }
    }

    private static func splitPort(_ authority: String) throws(Fault) -> (host: Substring, port: Int?) {
        let close = authority.lastIndex(of: "]") ?? authority.startIndex
        guard let colon = authority[close...].lastIndex(of: ":") else { return (authority[...], nil) }
        let digits = authority[authority.index(after: colon)...]
        if digits.isEmpty { return (authority[..<colon], nil) }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits), (1...65535).contains(port)
        else { throw .malformed("port out of range") }
        return (authority[..<colon], port)
    }

    /// Percent-encodes what neither a path nor a query may hold; what is encoded already stays as it is.
    private static func escaped(_ bytes: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes {
            if plain.contains(byte) {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let plain = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%[]|".utf8)
    private static let digits = Array("0123456789ABCDEF".utf8)
}
