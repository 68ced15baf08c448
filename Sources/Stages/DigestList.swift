import Samples
package import SourceAdapters

/// Images that must not be kept, known by the SHA-256 or MD5 of their bytes.
///
/// Held are 16 bytes of each digest: two that differ agree in them with a chance of 1 in 2^128.
package struct DigestList: Sendable {
    private var sums: Set<SIMD2<UInt64>> = []
    /// Whether a list has MD5 digests.
    package private(set) var hasMD5 = false

    package init() {}

    /// Reads `paths`: a digest a line, 64 or 32 hexadecimal digits; what follows a space, and lines from `#` on, is comment.
    package init(paths: [String]) throws(SourceError) {
        for path in paths {
            try readLines(path, wanted: "a list of digests") { (line, place) throws(SourceError) in
                let word = line.prefix { !$0.isWhitespace }.lowercased()
                guard word.count == 64 || word.count == 32, let sum = Self.sum(word) else {
                    throw SourceError(.malformed, path, "\(place): want 64 or 32 hexadecimal digits")
                }
                if word.count == 32 { hasMD5 = true }
                sums.insert(sum)
            }
        }
    }

    /// Whether one of the two is listed.
    func contains(sha256: String, md5: String?) -> Bool {
        guard !sums.isEmpty else { return false }
        return [sha256, md5 ?? sha256].contains { digits in Self.sum(digits).map(sums.contains) ?? false }
    }

    private static func sum(_ digits: String) -> SIMD2<UInt64>? {
        guard let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.dropFirst(16).prefix(16), radix: 16)
        else { return nil }
        return SIMD2(high, low)
    }
}
