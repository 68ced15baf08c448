import Foundation

/// Finds where records end, block by block.
///
/// A record ends at a line feed; under RFC 4180 quoting, at the first one outside quotes. A quote opens only where a field
/// starts, so that `5" disk` is what it says.
struct RecordScanner {
    private enum State {
        case fieldStart
        case plain
        case quoted
        /// Behind a quote in quotes: the next byte says whether it closed them.
        case quote
    }

    /// The byte between fields that may be quoted; nil where quotes are data.
    private let delimiter: UInt8?
    private var state = State.fieldStart
    private var hasGivenUp = false

    init(delimiter: UInt8?) { self.delimiter = delimiter }

    /// From here on to the end of the record quotes are data: one that is never closed must not take the rest of the list.
    mutating func giveUpQuotes() { hasGivenUp = true }

    /// The place of the line feed that ends the record; nil where the record goes on behind `range` of `block`.
    mutating func recordEnd(in block: [UInt8], _ range: Range<Int>) -> Int? {
        guard let delimiter, !hasGivenUp else {
            let end = firstIndex(of: UInt8(ascii: "\n"), in: block, range)
            if end != nil { (state, hasGivenUp) = (.fieldStart, false) }
            return end
        }
        var place = range.lowerBound
        var lineEnd = -1  // the first line feed from some place on, good for all places up to it
        while place < range.upperBound {
            switch state {
            case .fieldStart:
                state = block[place] == UInt8(ascii: "\"") ? .quoted : .plain
                if state == .quoted { place += 1 }
            case .quoted:
                guard let quote = firstIndex(of: UInt8(ascii: "\""), in: block, place..<range.upperBound) else {
                    return nil
                }
                (state, place) = (.quote, quote + 1)
            case .quote:
                state = block[place] == UInt8(ascii: "\"") ? .quoted : .plain
                if state == .quoted { place += 1 }
            case .plain:
                if lineEnd < place {
                    let found = firstIndex(of: UInt8(ascii: "\n"), in: block, place..<range.upperBound)
                    lineEnd = found ?? range.upperBound
                }
                if let quote = openingQuote(in: block, place..<lineEnd, delimiter) {
                    (state, place) = (.quoted, quote + 1)
                } else if lineEnd < range.upperBound {
                    state = .fieldStart
                    return lineEnd
                } else {
                    if block[range.upperBound - 1] == delimiter { state = .fieldStart }
                    return nil
                }
            }
        }
        return nil
    }

    /// The first quote that stands behind a delimiter.
    private func openingQuote(in block: [UInt8], _ range: Range<Int>, _ delimiter: UInt8) -> Int? {
        var rest = range
        while let quote = firstIndex(of: UInt8(ascii: "\""), in: block, rest) {
            if quote > range.lowerBound, block[quote - 1] == delimiter { return quote }
            rest = (quote + 1)..<range.upperBound
        }
        return nil
    }

    private func firstIndex(of byte: UInt8, in block: [UInt8], _ range: Range<Int>) -> Int? {
        unsafe block.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let found = unsafe memchr(base + range.lowerBound, Int32(byte), range.count)
            else { return nil }
            return unsafe base.distance(to: found)
        }
    }
}
