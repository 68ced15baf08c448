/// Splits one record into its fields.
///
/// Under RFC 4180 a field may stand in quotes, in which two quotes mean one; text behind a closing quote is kept as it
/// is, and a quote that is never closed is a letter like any other. Without quoting every delimiter splits.
func fields(of record: [UInt8], delimiter: UInt8, quoting: FieldQuoting?) -> [[UInt8]] {
    guard let quoting, record.contains(FieldQuoting.quote) || quoting.escape.map(record.contains) == true else {
        return record.split(separator: delimiter, omittingEmptySubsequences: false).map(Array.init)
    }
    var fields: [[UInt8]] = []
    var field: [UInt8] = []
    var place = 0
    /// Where the quote that is open stands.
    var open: Int?
    /// A quote that is not closed: a letter.
    var stray = -1
    while true {
        guard place < record.count else {
            guard let quote = open else { return fields + [field] }
            (place, open, stray, field) = (quote, nil, quote, [])
            continue
        }
        let byte = record[place]
        place += 1
        if let escape = quoting.escape, byte == escape, place < record.count {
            field.append(record[place])
            place += 1
        } else if open != nil {
            if byte != FieldQuoting.quote {
                field.append(byte)
            } else if place < record.count, record[place] == byte {
                field.append(byte)
                place += 1
            } else {
                open = nil
            }
        } else if byte == delimiter {
            fields.append(field)
            field = []
        } else if byte == FieldQuoting.quote, field.isEmpty, place - 1 != stray {
            open = place - 1
        } else {
            field.append(byte)
        }
    }
}

/// The text of a field: UTF-8, damaged bytes replaced by U+FFFD, control characters by spaces, trimmed; a byte order mark in
/// front, of a file that came into this one, is no part of it.
func text(of field: [UInt8]) -> String {
    let isPlain = field.allSatisfy { $0 >= 32 && $0 < 127 }
    guard !isPlain else { return trimmed(String(decoding: field, as: UTF8.self)) }
    let bytes = field.starts(with: byteOrderMark) ? field[byteOrderMark.count...] : field[...]
    let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
        scalar.properties.generalCategory == .control ? " " as Unicode.Scalar : scalar
    }
    return trimmed(String(String.UnicodeScalarView(scalars)))
}

/// The URL or path that a field is: as `text`, but only its ends are changed.
///
/// A tab or a line end may be part of a path, and the reader of URLs knows what browsers make of one in a URL.
func urlText(of field: [UInt8]) -> String {
    let bytes = field.starts(with: byteOrderMark) ? field[byteOrderMark.count...] : field[...]
    return trimmed(String(decoding: bytes, as: UTF8.self))
}

/// Of UTF-8, at the start of a file.
let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

func trimmed(_ text: String) -> String {
    guard text.first?.isWhitespace == true || text.last?.isWhitespace == true else { return text }
    let start = text.firstIndex { !$0.isWhitespace } ?? text.endIndex
    let end = text.lastIndex { !$0.isWhitespace }.map { text.index(after: $0) } ?? text.endIndex
    return start < end ? String(text[start..<end]) : ""
}
