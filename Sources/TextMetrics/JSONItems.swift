import Files
import Foundation

/// The elements of a JSON list in a file, or the members of an object, one at a time, however many there are.
///
/// Items are cut out by their brackets and quotes; whether one is valid JSON is seen when it is decoded.
struct JSONItems {
    struct Item {
        /// Of an object's member.
        let key: String?
        /// Where it starts, counted from 1.
        let line: Int
        let bytes: [UInt8]
    }

    /// An item longer than this is refused.
    private static let byteLimit = 8 << 20

    private var input: JSONInput
    private let isObject: Bool
    private var isFirst = true

    /// What the file begins with, white space left out: `{`, `[`, or what it is; nil for an empty file.
    static func firstByte(of path: String) throws(MetricsError) -> UInt8? {
        var input = try JSONInput(path)
        return try input.token()
    }

    /// The items of the list, or of the object, that the file is.
    init(_ path: String) throws(MetricsError) {
        input = try JSONInput(path)
        let first = try input.token()
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { throw input.fault("want a JSON list") }
        isObject = first == UInt8(ascii: "{")
        input.advance()
    }

    /// The elements of the list that the file's object has under `key`; nil where it has none.
    init?(_ path: String, listAt key: String) throws(MetricsError) {
        var outer = try JSONItems(path)
        guard outer.isObject else { throw outer.input.fault("want an object with \(key)") }
        guard try outer.find(key) else { return nil }
        guard try outer.input.token() == UInt8(ascii: "[") else { throw outer.input.fault("\(key): want a list") }
        outer.input.advance()
        (input, isObject) = (outer.input, false)
    }

    mutating func next() throws(MetricsError) -> Item? {
        guard try enterItem() else { return nil }
        let key = isObject ? try self.key() : nil
        _ = try input.token()
        let line = input.line
        return Item(key: key, line: line, bytes: try value(limit: Self.byteLimit))
    }

    /// Goes to the value of `key`; false where the object has none.
    private mutating func find(_ key: String) throws(MetricsError) -> Bool {
        while try enterItem() {
            if try self.key() == key { return true }
            _ = try input.token()
            _ = try value(limit: nil)
        }
        return false
    }

    /// Passes what is in front of the next item; false at the end.
    private mutating func enterItem() throws(MetricsError) -> Bool {
        let end = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        defer { isFirst = false }
        let token = try input.token()
        if token == end { return false }
        if isFirst { return true }
        guard token == UInt8(ascii: ",") else { throw input.fault("want ',' or '\(isObject ? "}" : "]")'") }
        input.advance()
        return true
    }

    private mutating func key() throws(MetricsError) -> String {
        guard try input.token() == UInt8(ascii: "\"") else { throw input.fault("want a key in quotes") }
        let text = try value(limit: Self.byteLimit)
        guard try input.token() == UInt8(ascii: ":") else { throw input.fault("want ':'") }
        input.advance()
        do {
            return try JSONDecoder().decode(String.self, from: Data(text))
        } catch {
            throw input.fault("want a key")
        }
    }

    /// The bytes of the value at hand, which is passed; none are kept without a limit.
    private mutating func value(limit: Int?) throws(MetricsError) -> [UInt8] {
        var (bytes, depth, isQuoted, isEscaped): ([UInt8], Int, Bool, Bool) = ([], 0, false, false)
        while let byte = try input.byte() {
            let isClosing = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if !isQuoted, depth == 0, isClosing || byte == UInt8(ascii: ",") { return bytes }
            if let limit {
                guard bytes.count < limit else { throw input.fault("an item of more than \(limit) bytes") }
                bytes.append(byte)
            }
            input.advance()
            if isQuoted {
                isQuoted = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if byte == UInt8(ascii: "\"") {
                isQuoted = true
                continue
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                depth += 1
            } else if isClosing {
                depth -= 1
            } else {
                continue
            }
            if depth == 0, !isQuoted { return bytes }
        }
        throw input.fault("the file ends inside an item")
    }
}

/// The bytes of a file, a block at a time, with the line.
private struct JSONInput {
    private static let blockLength = 1 << 20

    let path: String
    private let file: OpenedFile
    private var block: [UInt8] = []
    private var place = 0
    private var offset = 0
    private(set) var line = 1

    init(_ path: String) throws(MetricsError) {
        self.path = path
        do {
            file = try OpenedFile(path)
        } catch {
            throw MetricsError(.unreadable, path, error.reason)
        }
        while let byte = try byte(), byte >= 0x80 { advance() }  // a byte-order mark
    }

    /// The byte at hand; nil at the end of the file.
    mutating func byte() throws(MetricsError) -> UInt8? {
        if place == block.count {
            block = [UInt8](repeating: 0, count: Self.blockLength)
            do {
                let count = try file.read(at: offset, into: &block)
                block.removeLast(block.count - count)
            } catch {
                throw MetricsError(.unreadable, path, "\(error)")
            }
            offset += block.count
            place = 0
            if block.isEmpty { return nil }
        }
        return block[place]
    }

    mutating func advance() {
        if block[place] == UInt8(ascii: "\n") { line += 1 }
        place += 1
    }

    /// The next byte that is no white space.
    mutating func token() throws(MetricsError) -> UInt8? {
        while let byte = try byte() {
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
            advance()
        }
        return nil
    }

    func fault(_ text: String) -> MetricsError { MetricsError(.malformed, path, "line \(line): \(text)") }
}
