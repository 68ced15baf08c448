/// JSON as lists hold it: what Python's `json` writes and reads, and more.
///
/// NaN and infinities are values, an escaped half of a surrogate pair is nothing, damaged UTF-8 becomes U+FFFD, control
/// characters may stand in texts, the last of equal keys counts. Numbers keep their digits: no double can hold a long id.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    /// As it is written.
    case number(String)
    /// NaN or an infinity, which say nothing.
    case notANumber
    /// UTF-8, perhaps damaged.
    case string([UInt8])
    case array([JSONValue])
    case object([String: JSONValue])

    /// What a person calls it.
    var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number, .notANumber: "a number"
        case .string: "text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// The value of JSON text; nil where it is not JSON.
func jsonValue(_ bytes: [UInt8]) -> JSONValue? {
    var reader = JSONReader(bytes: bytes)
    return reader.whole()
}

private struct JSONReader {
    /// No list is nested deeper.
    private static let depthLimit = 200

    private let bytes: [UInt8]
    private var place = 0
    private var depth = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: byteOrderMark) { place = byteOrderMark.count }
    }

    mutating func whole() -> JSONValue? {
        guard let value = value() else { return nil }
        passSpace()
        return place == bytes.count ? value : nil
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func passSpace() {
        while let byte, byte == 32 || byte == 10 || byte == 13 || byte == 9 { place += 1 }
    }

    private mutating func pass(_ wanted: UInt8) -> Bool {
        passSpace()
        guard byte == wanted else { return false }
        place += 1
        return true
    }

    private mutating func value() -> JSONValue? {
        passSpace()
        switch byte {
        case UInt8(ascii: "{"): return nested { $0.object() }
        case UInt8(ascii: "["): return nested { $0.array() }
        case UInt8(ascii: "\""): return string().map(JSONValue.string)
        case nil: return nil
        default: return word()
        }
    }

    private mutating func nested(_ read: (inout JSONReader) -> JSONValue?) -> JSONValue? {
        guard depth < Self.depthLimit else { return nil }
        depth += 1
        place += 1
        defer { depth -= 1 }
        return read(&self)
    }

    private mutating func object() -> JSONValue? {
        var members: [String: JSONValue] = [:]
        if pass(UInt8(ascii: "}")) { return .object(members) }
        while true {
            passSpace()
            guard byte == UInt8(ascii: "\""), let key = string(), pass(UInt8(ascii: ":")), let value = value() else {
                return nil
            }
            members[String(decoding: key, as: UTF8.self)] = value
            if pass(UInt8(ascii: "}")) { return .object(members) }
            guard pass(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func array() -> JSONValue? {
        var values: [JSONValue] = []
        if pass(UInt8(ascii: "]")) { return .array(values) }
        while true {
            guard let value = value() else { return nil }
            values.append(value)
            if pass(UInt8(ascii: "]")) { return .array(values) }
            guard pass(UInt8(ascii: ",")) else { return nil }
        }
    }

    /// A number, or one of JSON's and Python's words.
    private mutating func word() -> JSONValue? {
        let start = place
        while let byte, isOfWord(byte) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "NaN", "Infinity", "-Infinity": return .notANumber
        default: return isNumber(start..<place) ? .number(text) : nil
        }
    }

    private func isOfWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
    }

    /// Whether JSON's grammar has `range` as a number.
    private func isNumber(_ range: Range<Int>) -> Bool {
        var place = range.lowerBound
        func digits() -> Int {
            let start = place
            while place < range.upperBound, (48...57).contains(bytes[place]) { place += 1 }
            return place - start
        }
        func has(_ wanted: UInt8...) -> Bool {
            guard place < range.upperBound, wanted.contains(bytes[place]) else { return false }
            place += 1
            return true
        }
        _ = has(UInt8(ascii: "-"))
        let first = place
        let count = digits()
        guard count > 0, count == 1 || bytes[first] != UInt8(ascii: "0") else { return false }
        if has(UInt8(ascii: ".")) { guard digits() > 0 else { return false } }
        if has(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            _ = has(UInt8(ascii: "+"), UInt8(ascii: "-"))
            guard digits() > 0 else { return false }
        }
        return place == range.upperBound
    }

    /// The text whose opening quote is at hand.
    private mutating func string() -> [UInt8]? {
        place += 1
        let start = place
        while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { place += 1 }
        guard byte != UInt8(ascii: "\"") else {
            place += 1
            return Array(bytes[start..<(place - 1)])
        }
        var text = Array(bytes[start..<place])
        while let byte {
            place += 1
            if byte == UInt8(ascii: "\"") { return text }
            if byte == UInt8(ascii: "\\") {
                guard escape(into: &text) else { return nil }
            } else {
                text.append(byte)
            }
        }
        return nil
    }

    /// Reads what stands behind a backslash.
    private mutating func escape(into text: inout [UInt8]) -> Bool {
        guard let byte else { return false }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            guard let first = codeUnit() else { return false }
            text += Unicode.Scalar(first).map { Array(String($0).utf8) } ?? surrogate(first)
        default: return false
        }
        return true
    }

    private mutating func codeUnit() -> UInt16? {
        guard place + 4 <= bytes.count,
            let unit = UInt16(String(decoding: bytes[place..<(place + 4)], as: UTF8.self), radix: 16),
            bytes[place] != UInt8(ascii: "+")
        else { return nil }
        place += 4
        return unit
    }

    /// The character that the surrogate `first` and the one behind it stand for; nothing where it has no other half.
    private mutating func surrogate(_ first: UInt16) -> [UInt8] {
        let before = place
        if first < 0xdc00, place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
            bytes[place + 1] == UInt8(ascii: "u")
        {
            place += 2
            if let second = codeUnit(), (0xdc00...0xdfff).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + UInt32(second) - 0xdc00)
            {
                return Array(String(scalar).utf8)
            }
        }
        place = before  // what follows stands for itself
        return []
    }
}
