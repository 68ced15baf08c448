/// How the fields of a delimited text may be quoted.
struct FieldQuoting: Sendable {
    static let quote = UInt8(ascii: "\"")

    let delimiter: UInt8
    /// Stands before a byte that is meant as it is; nil where two quotes mean one and nothing else is escaped.
    var escape: UInt8?
}

/// Goes over a record line by line, and says whether a quote is open at the end of each.
///
/// A quote opens only where a field starts, so that `5" disk` is what it says.
struct QuoteScanner {
    private let quoting: FieldQuoting
    private(set) var isOpen = false
    /// Of the fields that have begun.
    private(set) var fieldCount = 1
    /// Whether on the last line every quote that closed a field was the last of it: text behind one means that the quotes were
    /// paired wrongly.
    private(set) var isRegular = true

    init(_ quoting: FieldQuoting) { self.quoting = quoting }

    /// Reads the next line of the record; `isFirst` says whether a field starts with it.
    mutating func read(_ line: ArraySlice<UInt8>, isFirst: Bool) {
        isRegular = true
        var place = line.startIndex
        var isFieldStart = isFirst
        while place < line.endIndex {
            let byte = line[place]
            place += 1
            if let escape = quoting.escape, byte == escape {
                place += 1
                isFieldStart = false
            } else if isOpen {
                guard byte == FieldQuoting.quote else { continue }
                if place < line.endIndex, line[place] == byte {
                    place += 1
                } else {
                    isOpen = false
                    if !ends(line, at: place) { isRegular = false }
                }
            } else if byte == quoting.delimiter {
                fieldCount += 1
                isFieldStart = true
            } else {
                isOpen = byte == FieldQuoting.quote && isFieldStart
                isFieldStart = false
            }
        }
    }

    /// Whether a field ends at `place`.
    private func ends(_ line: ArraySlice<UInt8>, at place: Int) -> Bool {
        guard place < line.endIndex else { return true }
        return line[place] == quoting.delimiter || line[place] == UInt8(ascii: "\r") && place + 1 == line.endIndex
    }
}
