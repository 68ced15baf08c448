/// Looks for short sequences of numbers, of bytes or of scalars, each of them in a set.
struct SequencePattern: Sendable {
    /// Numbers, as sorted ranges.
    struct Members: Sendable {
        fileprivate let ranges: [ClosedRange<UInt32>]

        /// The members that `text` lists in hexadecimal, such as `a0 b0-b3`; words of `names` stand for theirs.
        init(_ text: String, names: [String: String] = [:]) {
            let words = text.split(separator: " ").flatMap { word in
                names[String(word)].map { $0.split(separator: " ") } ?? [word]
            }
            ranges = words.map { word in
                let ends = word.split(separator: "-").map { UInt32($0, radix: 16) }
                guard let first = ends.first ?? nil, let last = ends.last ?? nil else {
                    preconditionFailure("\(word) is no number in hexadecimal")
                }
                return first...last
            }.sorted { $0.lowerBound < $1.lowerBound }
        }

        func contains(_ number: UInt32) -> Bool {
            for range in ranges where number <= range.upperBound {
                return number >= range.lowerBound || overlaps(number)
            }
            return false
        }

        /// Ranges that overlap are few: they are looked at one by one.
        private func overlaps(_ number: UInt32) -> Bool { ranges.contains { $0.contains(number) } }
    }

    private static let tableSize: UInt32 = 0x2700

    private let alternatives: [[Members]]
    /// The alternatives that may begin with each number below `tableSize`, and with those beyond.
    private let table: [[Int]]
    private let beyond: [Int]

    init(_ alternatives: [[String]], names: [String: String] = [:]) {
        let alternatives = alternatives.map { $0.map { Members($0, names: names) } }
        var table = [[Int]](repeating: [], count: Int(Self.tableSize))
        for (index, alternative) in alternatives.enumerated() {
            for range in alternative[0].ranges where range.lowerBound < Self.tableSize {
                for number in range.lowerBound...min(range.upperBound, Self.tableSize - 1)
                where table[Int(number)].last != index {
                    table[Int(number)].append(index)
                }
            }
        }
        (self.alternatives, self.table) = (alternatives, table)
        beyond = alternatives.indices.filter { index in
            alternatives[index][0].ranges.contains { $0.upperBound >= Self.tableSize }
        }
    }

    /// How many numbers from `place` on are the first alternative that is found there; 0 for none.
    func length(in numbers: [UInt32], at place: Int) -> Int {
        guard place < numbers.count else { return 0 }
        let first = numbers[place]
        for index in first < Self.tableSize ? table[Int(first)] : beyond {
            let alternative = alternatives[index]
            guard place + alternative.count <= numbers.count else { continue }
            if alternative.indices.allSatisfy({ alternative[$0].contains(numbers[place + $0]) }) {
                return alternative.count
            }
        }
        return 0
    }

    /// `bytes` with what is found, from the left, replaced by what `replace` makes of it.
    func replacing(_ bytes: [UInt8], _ replace: (ArraySlice<UInt8>) -> [UInt8]) -> [UInt8] {
        let numbers = bytes.map(UInt32.init)
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let length = length(in: numbers, at: place)
            if length == 0 {
                result.append(bytes[place])
                place += 1
            } else {
                result += replace(bytes[place..<place + length])
                place += length
            }
        }
        return result
    }
}
