import RandomNumbers
import Testing

@testable import SourceAdapters

/// Where records end, byte by byte: slow and plain.
private func plainEnds(_ bytes: [UInt8], delimiter: UInt8) -> [Int] {
    var ends: [Int] = []
    var (isQuoted, isFieldStart) = (false, true)
    var index = 0
    while index < bytes.count {
        let byte = bytes[index]
        if isQuoted {
            if byte == UInt8(ascii: "\""), index + 1 < bytes.count, bytes[index + 1] == byte {
                index += 1
            } else if byte == UInt8(ascii: "\"") {
                isQuoted = false
            }
        } else {
            if byte == UInt8(ascii: "\n") { ends.append(index) }
            isQuoted = byte == UInt8(ascii: "\"") && isFieldStart
            isFieldStart = byte == UInt8(ascii: "\n") || byte == delimiter
        }
        index += 1
    }
    return ends
}

@Suite("The scanner of records") struct RecordScannerTests {
    @Test("finds the ends that reading byte by byte finds, wherever blocks end")
    func anyBlocks() {
        let delimiter = UInt8(ascii: ",")
        for seed in UInt64(0)..<2000 {
            var random = SplitMix64(seed: seed)
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                Array("\"\"\",,\na".utf8)[Int.random(in: 0..<7, using: &random)]
            }
            var scanner = RecordScanner(delimiter: delimiter)
            var ends: [Int] = []
            var place = 0
            while place < bytes.count {
                let stop = Int.random(in: (place + 1)...bytes.count, using: &random)
                let end = scanner.recordEnd(in: bytes, place..<stop)
                if let end { ends.append(end) }
                place = end.map { $0 + 1 } ?? stop
            }
            #expect(ends == plainEnds(bytes, delimiter: delimiter), "seed \(seed)")
        }
    }
}
