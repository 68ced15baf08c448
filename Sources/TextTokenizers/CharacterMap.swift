/// How SentencePiece's models replace characters (NFKC and more), compiled into a double-array trie.
///
/// The bytes are the trie's size in bytes, its units of 32 bits, little-endian, and the replacements, each ended by 0.
///
/// Source: tokenizers `normalizers/precompiled.rs` and its crate `spm_precompiled`; google/sentencepiece `normalizer.cc`.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// Whether a character of ASCII is replaced by itself: most texts need no look at the trie.
    private let isPlain: [Bool]

    init(_ bytes: [UInt8], _ path: String) throws(TokenizerError) {
        let size = Int(Self.unit(bytes, 0) ?? 0)
        guard size > 0, size % 4 == 0, size <= bytes.count - 4 else {
            throw TokenizerError(.malformed, path, "its table of characters is cut off; fetch the model again")
        }
        units = (0..<size / 4).map { Self.unit(bytes, 4 + 4 * $0) ?? 0 }
        replacements = Array(bytes[(4 + size)...])
        let (units, replacements) = (units, replacements)
        isPlain = (UInt8(0)..<128).map { Self.replacement(of: [$0], units, replacements) == nil }
    }

    /// `text` with its characters replaced.
    ///
    /// As in the reference, a character of up to 5 bytes with its marks is looked up as a whole first, and is replaced by what
    /// the shortest beginning of it that has a replacement becomes.
    func normalized(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 && isPlain[Int($0)] }) { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for character in text {
            let bytes = Array(character.utf8)
            if bytes.count < 6, let replacement = replacement(of: bytes) {
                result += replacement
                continue
            }
            for scalar in character.unicodeScalars {
                let bytes = Array(UTF8.encode(scalar) ?? UTF8.EncodedScalar())
                result += replacement(of: bytes) ?? bytes[...]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private func replacement(of key: [UInt8]) -> ArraySlice<UInt8>? {
        Self.replacement(of: key, units, replacements)
    }

    /// What the shortest beginning of `key` that is in the trie becomes.
    private static func replacement(of key: [UInt8], _ units: [UInt32], _ texts: [UInt8]) -> ArraySlice<UInt8>? {
        var place = offset(units[0])
        for byte in key where byte != 0 {
            place ^= Int(byte)
            guard place < units.count, units[place] & 0x8000_00ff == UInt32(byte) else { return nil }
            let hasLeaf = units[place] >> 8 & 1 == 1
            place ^= offset(units[place])
            guard hasLeaf else { continue }
            guard place < units.count else { return nil }
            let start = Int(units[place] & 0x7fff_ffff)
            guard start < texts.count else { return nil }
            return texts[start...].prefix { $0 != 0 }
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

    private static func unit(_ bytes: [UInt8], _ place: Int) -> UInt32? {
        guard place + 4 <= bytes.count else { return nil }
        return bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
