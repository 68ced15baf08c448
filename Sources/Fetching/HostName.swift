import CCurl

/// The rules for the host of a URL.
enum HostName {
    /// `name` as servers for names know it, in ASCII; nil where it has no such form.
    ///
    /// Only on a thread whose character set is UTF-8.
    static func ascii(_ name: String) -> String? {
        guard !name.utf8.allSatisfy({ $0 < 0x80 }) else { return name }
        guard let url = curl_url() else { return nil }
        defer { curl_url_cleanup(url) }
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_set(url, CURLUPART_URL, "http://\(name)/", 0) == CURLUE_OK,
            curl_url_get(url, CURLUPART_HOST, &text, UInt32(CURLU_PUNYCODE)) == CURLUE_OK, let text
        else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// `host` in its plain form.
    static func canonical(_ host: Substring) throws(WebAddress.Fault) -> String {
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), let address = NetworkAddress(String(host.dropFirst().dropLast())), address.isIPv6
            else { throw .malformed("bad IPv6 address in URL") }
            return "[\(address)]"
        }
        var name = try decoded(host).lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 63 }) else {
            throw .malformed("bad host name in URL")
        }
        guard !name.utf8.contains(where: isForbidden) else { throw .malformed("forbidden character in host name") }
        guard let last = labels.last, isNumber(last) else { return name }
        guard let address = ipv4(labels) else { throw .malformed("bad IPv4 address in URL") }
        return address.description
    }

    /// `host` with its percent-encoded bytes as characters.
    private static func decoded(_ host: Substring) throws(WebAddress.Fault) -> String {
        guard host.contains("%") else { return String(host) }
        var bytes: [UInt8] = []
        var rest = host.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else {
                throw .malformed("forbidden character in host name")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("bad host name in URL") }
        return text
    }

    private static func isForbidden(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == 0x7f || "\"#%/:<>?@[\\]^`{|}".utf8.contains(byte)
    }

    /// Whether a host that ends in `label` can only be an IPv4 address.
    private static func isNumber(_ label: Substring) -> Bool {
        label.utf8.allSatisfy { (0x30...0x39).contains($0) } || (label.hasPrefix("0x") && part(label) != nil)
    }

    /// One to four decimal, octal or hexadecimal numbers; the last fills all the bytes that are left.
    ///
    /// Source: WHATWG URL standard, "IPv4 parser".
    private static func ipv4(_ labels: [Substring]) -> NetworkAddress? {
        let parts = labels.compactMap(part)
        guard parts.count == labels.count, let last = parts.last, parts.count <= 4 else { return nil }
        let leading = parts.dropLast()
        guard leading.allSatisfy({ $0 <= 255 }), last < 1 << UInt64(8 * (4 - leading.count)) else { return nil }
        var value = last
        for (index, part) in leading.enumerated() { value |= part << UInt64(24 - 8 * index) }
        return NetworkAddress(ipv4: UInt32(value))
    }

    private static func part(_ label: Substring) -> UInt64? {
        guard label.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit || $0 == UInt8(ascii: "x") }) else {
            return nil
        }
        if label == "0x" { return 0 }
        if label.hasPrefix("0x") { return UInt64(label.dropFirst(2), radix: 16) }
        return UInt64(label, radix: label.hasPrefix("0") ? 8 : 10)
    }
}
