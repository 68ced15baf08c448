import CPostgres
import Databases
import Glibc

/// Parameters as the shim takes them: texts one after the other, each ended by a zero, with their lengths.
struct PostgresValues {
    private(set) var text: [CChar] = []
    private(set) var lengths: [CInt] = []

    mutating func append(_ values: [SQLValue]) throws(PostgresConnection.Fault) {
        for value in values {
            switch value {
            case .null: lengths.append(-1)
            case .integer(let value): append("\(value)")
            case .real(let value): append("\(value)")
            case .text(let value):
                guard !value.utf8.contains(0) else {
                    throw .failed(state: "22021", message: "a text with a zero byte, which PostgreSQL cannot hold")
                }
                append(value)
            }
        }
    }

    private mutating func append(_ value: String) {
        lengths.append(CInt(value.utf8.count))
        text.append(contentsOf: value.utf8.lazy.map { CChar(bitPattern: $0) })
        text.append(0)
    }
}

/// The server's numbers of types, which are the same in every server.
private enum PostgresType {
    static let flag: UInt32 = 16
    static let bytes: UInt32 = 17
    static let integers: Set<UInt32> = [20, 21, 23]
    static let reals: Set<UInt32> = [700, 701]
    static let numeric: UInt32 = 1700
}

extension SQLValue {
    /// The server's number of the value's type; 0 lets it find the type of a null.
    var postgresType: UInt32 {
        switch self {
        case .null: 0
        case .integer: 20
        case .real: 701
        case .text: 25
        }
    }
}

/// The value that the server wrote as `text`; sums of integers come as `numeric`.
func sqlValue(_ text: UnsafePointer<CChar>?, of type: UInt32) throws(PostgresConnection.Fault) -> SQLValue {
    guard let text else { return .null }
    if PostgresType.integers.contains(type) { return .integer(strtol(text, nil, 10)) }
    if PostgresType.reals.contains(type) { return .real(strtod(text, nil)) }
    switch type {
    case PostgresType.flag: return .integer(text.pointee == CChar(bitPattern: UInt8(ascii: "t")) ? 1 : 0)
    case PostgresType.numeric: return Int(String(cString: text)).map { .integer($0) } ?? .real(strtod(text, nil))
    case PostgresType.bytes: throw .failed(state: "XX000", message: "a result with bytes")
    default: return .text(String(cString: text))
    }
}
