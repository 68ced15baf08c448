/// One USTAR header: a plain file of a fixed owner, mode and time, so that equal content is equal bytes.
struct TarHeader: Equatable {
    static let blockLength = 512

    let name: String
    let byteCount: Int

    /// `byteCount` with the padding to whole blocks.
    static func padded(_ byteCount: Int) -> Int { (byteCount + blockLength - 1) / blockLength * blockLength }

    /// The 512 bytes of the header; the name has at most 100 bytes, the file under 8 GiB.
    func block() -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockLength)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000644\0", at: 100)
        put("0000000\0", at: 108)
        put("0000000\0", at: 116)
        put(octal(byteCount, digits: 11) + "\0", at: 124)
        put("00000000000\0", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\u{0}00", at: 257)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6) + "\0 ", at: 148)
        return block
    }

    init(name: String, byteCount: Int) {
        self.name = name
        self.byteCount = byteCount
    }

    /// Reads a header; nil where the block is no header of a plain file, or its checksum is wrong.
    init?(block: ArraySlice<UInt8>) {
        precondition(block.count == Self.blockLength, "a header is one block")
        let start = block.startIndex
        func field(_ offset: Int, _ length: Int) -> ArraySlice<UInt8> {
            block[(start + offset)..<(start + offset + length)].prefix { $0 != 0 }
        }
        func number(_ offset: Int, _ length: Int) -> Int? {
            let digits = field(offset, length).filter { $0 != UInt8(ascii: " ") }
            return Int(String(decoding: digits, as: UTF8.self), radix: 8)
        }
        var sum = 0
        for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
        guard field(257, 5).elementsEqual("ustar".utf8), number(148, 8) == sum, let byteCount = number(124, 12),
            byteCount >= 0, block[start + 156] == UInt8(ascii: "0") || block[start + 156] == 0
        else { return nil }
        self.name = String(decoding: field(0, 100), as: UTF8.self)
        self.byteCount = byteCount
    }
}

private func octal(_ value: Int, digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: digits - text.utf8.count) + text
}
