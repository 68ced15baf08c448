/// The printable characters that byte-level vocabularies use for the 256 bytes.
///
/// Source: openai/CLIP `bytes_to_unicode`: the printable ones of Latin-1 stand for themselves, the others for U+0100 on.
enum ByteAlphabet {
    /// The character of each byte, in UTF-8.
    static let characters: [[UInt8]] = scalars.map { Array(String($0).utf8) }
    /// The byte of each character.
    static let bytes = Dictionary(uniqueKeysWithValues: zip(scalars, UInt8.min...UInt8.max))
    /// The characters as vocabularies list them: those that stand for themselves first.
    static let listed = scalars.sorted().map { Array(String($0).utf8) }

    private static let scalars: [Unicode.Scalar] = {
        var next: UInt16 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return Unicode.Scalar(byte)
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? "?"
            }
        }
    }()
}
