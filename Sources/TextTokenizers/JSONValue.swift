/// JSON whose strings stay the bytes that stand in the file.
///
/// Foundation's readers give `String` keys, which are equal when they are canonically equivalent: two tokens of a
/// vocabulary that differ only in their composition would become one.
enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string([UInt8])
    case array([JSONValue])
    case object([Member])

    /// One key of an object with its value; objects keep their order and their repeated keys.
    struct Member: Equatable, Sendable {
        let key: [UInt8]
        let value: JSONValue
    }

    /// The value of the last `key` of an object; nil where there is none, or it is null.
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        let value = members.last { $0.key.elementsEqual(key.utf8) }?.value
        return value == .null ? nil : value
    }

    var string: [UInt8]? {
        if case .string(let bytes) = self { bytes } else { nil }
    }
    var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }
    var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }
    var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }
    /// A token's id: a whole number, 0 to 2^31 - 1.
    var tokenID: Int? {
        guard case .number(let value) = self, value >= 0, value < 2_147_483_648, value == value.rounded() else {
            return nil
        }
        return Int(value)
    }
}

/// Reads JSON text (RFC 8259) from UTF-8 bytes.
struct JSONReader {
    /// Where reading stopped and what was wanted there.
    struct Fault: Error {
        let line: Int
        let want: String
    }

    private static let depthLimit = 100
    private let bytes: [UInt8]
    private var place = 0
    private var depth = 0

    /// The value that `bytes` hold.
    static func read(_ bytes: [UInt8]) throws(Fault) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        let value = try reader.value()
        reader.skipSpace()
        guard reader.place == bytes.count else { throw reader.fault("the end of the file") }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private func fault(_ want: String) -> Fault {
        Fault(line: 1 + bytes[..<min(place, bytes.count)].count { $0 == UInt8(ascii: "\n") }, want: want)
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { place += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        place += 1
        return true
    }

    private mutating func value() throws(Fault) -> JSONValue {
        skipSpace()
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw fault("at most \(Self.depthLimit) nested values") }
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws(Fault) -> JSONValue {
        guard bytes[place...].starts(with: text.utf8) else { throw fault("a JSON value") }
        place += text.utf8.count
        return value
    }

    private mutating func number() throws(Fault) -> JSONValue {
        let start = place
        while let byte = next, "+-.eE0123456789".utf8.contains(byte) { place += 1 }
        guard start < place, let value = Double(String(decoding: bytes[start..<place], as: UTF8.self)), value.isFinite
        else {
            place = start
            throw fault("a JSON value")
        }
        return .number(value)
    }

    private mutating func array() throws(Fault) -> JSONValue {
        place += 1
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        repeat { values.append(try value()) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fault("',' or ']'") }
        return .array(values)
    }

    private mutating func object() throws(Fault) -> JSONValue {
        place += 1
        var members: [JSONValue.Member] = []
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("a key in quotes") }
            let key = try string()
            guard take(UInt8(ascii: ":")) else { throw fault("':'") }
            members.append(JSONValue.Member(key: key, value: try value()))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fault("',' or '}'") }
        return .object(members)
    }

    private mutating func string() throws(Fault) -> [UInt8] {
        place += 1
        var text: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw fault("no control character in a string")
            default: text.append(byte)
            }
        }
        throw fault("'\"'")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Fault) {
        guard let byte = next else { throw fault("the rest of an escape") }
        place += 1
        switch byte {
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code & 0xfc00 == 0xd800, bytes[place...].starts(with: [0x5c, 0x75]) {
                let start = place
                place += 2
                let low = try hexadecimal()
                if low & 0xfc00 == 0xdc00 {
                    code = 0x10000 + (code & 0x3ff) << 10 + (low & 0x3ff)
                } else {
                    place = start
                }
            }
            text += String(Unicode.Scalar(code) ?? "\u{fffd}").utf8
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        default: throw fault("an escape that JSON knows")
        }
    }

    private mutating func hexadecimal() throws(Fault) -> UInt32 {
        let digits = bytes[place...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw fault("four hexadecimal digits") }
        place += 4
        return code
    }
}
