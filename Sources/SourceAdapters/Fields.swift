/// Splits one record into its fields; nil where a quote is never closed.
///
/// Under RFC 4180 a field may stand in quotes, in which two quotes mean one; text behind a closing quote is kept as it
/// is. Without quoting every delimiter splits.
func fields(of record: [UInt8], delimiter: UInt8, quoted: Bool) -> [[UInt8]]? {
    guard quoted, record.contains(UInt8(ascii: "\"")) else {
        return record.split(separator: delimiter, omittingEmptySubsequences: false).map(Array.init)
    }
    var fields: [[UInt8]] = []
    var field: [UInt8] = []
    var index = 0
    var isQuoted = false
    while index < record.count {
        let byte = record[index]
        index += 1
        if isQuoted {
            if byte != UInt8(ascii: "\"") {
                field.append(byte)
            } else if index < record.count, record[index] == byte {
                field.append(byte)
                index += 1
            } else {
                isQuoted = false
            }
        } else if byte == delimiter {
            fields.append(field)
            field = []
        } else if byte == UInt8(ascii: "\""), field.isEmpty {
            isQuoted = true
        } else {
            field.append(byte)
        }
    }
    return isQuoted ? nil : fields + [field]
}

/// The text of a field: UTF-8, damaged bytes replaced by U+FFFD, control characters by spaces, trimmed.
func text(of field: [UInt8]) -> String {
    let isPlain = field.allSatisfy { $0 >= 32 && $0 < 127 }
    guard !isPlain else { return trimmed(String(decoding: field, as: UTF8.self)) }
    let scalars = String(decoding: field, as: UTF8.self).unicodeScalars.map { scalar in
        scalar.properties.generalCategory == .control ? " " as Unicode.Scalar : scalar
    }
    return trimmed(String(String.UnicodeScalarView(scalars)))
}

private func trimmed(_ text: String) -> String {
    guard text.first?.isWhitespace == true || text.last?.isWhitespace == true else { return text }
    let start = text.firstIndex { !$0.isWhitespace } ?? text.endIndex
    let end = text.lastIndex { !$0.isWhitespace }.map { text.index(after: $0) } ?? text.endIndex
    return start < end ? String(text[start..<end]) : ""
}
