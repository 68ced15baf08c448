/// The status line and headers of an answer, bounded, as they came.
struct ResponseHead: Sendable {
    /// The status of the last status line; 0 before there is one.
    private(set) var status = 0
    /// All bytes of heads so far, those of interim answers included.
    private(set) var byteCount = 0
    /// Whether the blank line after a final status has come; what follows are trailers, which are only counted.
    private(set) var isComplete = false
    /// The header lines since the last status line.
    private var lines: [UInt8] = []

    /// Adds one line with its line end; a status line begins a new head.
    mutating func add(_ line: UnsafeRawBufferPointer) {
        byteCount += line.count
        guard !isComplete else { return }
        guard line.starts(with: "HTTP/".utf8) else {
            isComplete = status >= 200 && line.allSatisfy { $0 == 0x0d || $0 == 0x0a }
            lines.append(contentsOf: line)
            return
        }
        lines.removeAll(keepingCapacity: true)
        let digits = line.drop { $0 != UInt8(ascii: " ") }.dropFirst().prefix { (0x30...0x39).contains($0) }
        status = digits.prefix(3).reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// The values of every header called `name`, which is in lower case, without the blanks around them.
    func values(of name: StaticString) -> [String] { rawValues(of: name).map { String(decoding: $0, as: UTF8.self) } }

    /// Where a redirect leads: bytes that are no UTF-8 are escaped as they are, so that the server gets them back.
    var location: String? {
        guard let bytes = rawValues(of: "location").first else { return nil }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let digits = Array("0123456789ABCDEF".utf8)
        let escaped = bytes.flatMap { byte in
            byte < 0x80 ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private func rawValues(of name: StaticString) -> [ArraySlice<UInt8>] {
        let name = Array(name.description.utf8)
        return lines.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard line.count > name.count, line[line.startIndex + name.count] == UInt8(ascii: ":"),
                zip(line, name).allSatisfy({ Self.lowered($0) == $1 })
            else { return nil }
            return Self.trimmed(line.dropFirst(name.count + 1))
        }
    }

    /// Every header, its name in lower case, in the order they came.
    var all: [(name: String, value: String)] {
        lines.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            return (Self.text(line[..<colon]).lowercased(), Self.text(line[(colon + 1)...]))
        }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: trimmed(bytes), as: UTF8.self)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0d]
        let tail = bytes.drop { blanks.contains($0) }
        let end = tail.lastIndex { !blanks.contains($0) }.map { $0 + 1 } ?? tail.startIndex
        return tail[..<end]
    }
}
