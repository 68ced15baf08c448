/// `sql` with its parameters `$1` as SQLite's `?1`: there `$1` would be a name, counted by its first place.
///
/// What stands in quotes or in a comment stays as it is.
func withQuestionMarks(_ sql: String) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(sql.utf8.count)
    let bytes = Array(sql.utf8)
    var quote: UInt8?
    var isComment = false
    for (index, byte) in bytes.enumerated() {
        let next = index + 1 < bytes.count ? bytes[index + 1] : 0
        if isComment {
            isComment = byte != UInt8(ascii: "\n")
        } else if let open = quote {
            if byte == open { quote = nil }
        } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
            quote = byte
        } else if byte == UInt8(ascii: "-"), next == byte {
            isComment = true
        } else if byte == UInt8(ascii: "$"), (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(next) {
            result.append(UInt8(ascii: "?"))
            continue
        }
        result.append(byte)
    }
    return String(decoding: result, as: UTF8.self)
}
