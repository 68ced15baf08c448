import Foundation
import RandomNumbers
import TestSupport
import Testing

@testable import SourceAdapters

/// The records of `bytes` whose fields may be quoted, byte by byte: slow and plain.
private func plainRecords(_ bytes: [UInt8], _ quoting: FieldQuoting) -> [[UInt8]] {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    if lines.last == [] { lines.removeLast() }
    var records: [[UInt8]] = []
    while let first = lines.first {
        lines.removeFirst()
        if first.allSatisfy({ $0 == 32 || $0 == 13 }) { continue }
        // The shortest run of lines in which every quote that opens closes at the end of a field.
        var record = first
        if isOpen(first, quoting) {
            for count in lines.indices.map({ $0 + 1 }) {
                let longer = Array(([first] + lines.prefix(count)).joined(separator: [10]))
                if hasTextBehindQuote(longer, quoting, from: first.count) { break }
                if !isOpen(longer, quoting) {
                    record = longer
                    lines.removeFirst(count)
                    break
                }
            }
        }
        records.append(record)
    }
    return records.map { $0.last == 13 ? Array($0.dropLast()) : $0 }
}

/// What stands at each byte: whether quotes are open behind it, and whether it closed them.
private func quotes(_ record: [UInt8], _ quoting: FieldQuoting) -> [(isOpen: Bool, closes: Bool)] {
    var states: [(Bool, Bool)] = []
    var (isOpen, isFieldStart) = (false, true)
    while states.count < record.count {
        let byte = record[states.count]
        let next = states.count + 1 < record.count ? record[states.count + 1] : nil
        if byte == quoting.escape {
            states += Array(repeating: (isOpen, false), count: next == nil || next == 10 ? 1 : 2)
            isFieldStart = false
        } else if isOpen, byte == 34, next == 34 {
            states += [(true, false), (true, false)]
        } else if isOpen {
            isOpen = byte != 34
            states.append((isOpen, !isOpen))
        } else {
            isOpen = byte == 34 && isFieldStart
            isFieldStart = byte == quoting.delimiter
            states.append((isOpen, false))
        }
    }
    return states
}
private func isOpen(_ record: [UInt8], _ quoting: FieldQuoting) -> Bool { quotes(record, quoting).last?.isOpen == true }
private func hasTextBehindQuote(_ record: [UInt8], _ quoting: FieldQuoting, from start: Int) -> Bool {
    quotes(record, quoting).enumerated().contains { place, state in
        guard place > start, state.closes, place + 1 < record.count else { return false }
        let next = record[place + 1]
        let endsLine = next == 10 || next == 13 && (place + 2 == record.count || record[place + 2] == 10)
        return next != quoting.delimiter && !endsLine
    }
}

@Suite("The reader of records") struct LineReaderTests {
    @Test("finds the records that reading byte by byte finds, wherever blocks end and reading starts")
    func anyBlocks() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for seed in UInt64(0)..<1500 {
            var random = SplitMix64(seed: seed)
            let escape: UInt8? = seed % 3 == 0 ? UInt8(ascii: "\\") : nil
            let quoting = FieldQuoting(delimiter: UInt8(ascii: ","), escape: escape)
            let letters = Array((escape == nil ? "\"\"\",,\n\r a" : "\"\"\",,\n\r a\\").utf8)
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                letters[Int.random(in: letters.indices, using: &random)]
            }
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/l"))
            let blockLength = Int.random(in: 1..<12, using: &random)
            var records: [[UInt8]] = []
            var offset = 0
            while true {  // each record by a reader of its own, as units start anywhere
                let reader = try LineReader(folder + "/l", at: offset, quoting: quoting, blockLength: blockLength)
                guard case .text(let record)? = try reader.next() else { break }
                records.append(record)
                offset = reader.offset
            }
            try #require(records == plainRecords(bytes, quoting), "seed \(seed)")
        }
    }
}
