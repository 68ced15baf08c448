/// A set of units of UTF-16: ranges, sorted, with gaps between them.
struct CharacterRanges: Hashable {
    private(set) var ranges: [ClosedRange<UInt16>]

    init(_ ranges: [ClosedRange<UInt16>]) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    /// The scalars of the basic plane for which `isIn` says so.
    init(_ isIn: (Unicode.Scalar) -> Bool) {
        self.init((UInt16.min...UInt16.max).filter { Unicode.Scalar($0).map(isIn) ?? false }.map { $0...$0 })
    }

    var inverted: CharacterRanges {
        var (gaps, next): ([ClosedRange<UInt16>], Int) = ([], 0)
        for range in ranges {
            if next < Int(range.lowerBound) { gaps.append(UInt16(next)...range.lowerBound - 1) }
            next = Int(range.upperBound) + 1
        }
        if next <= 0xffff { gaps.append(UInt16(next)...0xffff) }
        return CharacterRanges(gaps)
    }

    static func + (left: CharacterRanges, right: CharacterRanges) -> CharacterRanges {
        CharacterRanges(left.ranges + right.ranges)
    }

    /// Numbers in hexadecimal and ranges of them, such as `2C2-2C5 375`.
    init(hexadecimal text: String) {
        self.init(
            text.split(separator: " ").map { word in
                let ends = word.split(separator: "-").compactMap { UInt16($0, radix: 16) }
                guard let first = ends.first, let last = ends.last else {
                    preconditionFailure("\(word) is no number in hexadecimal")
                }
                return first...last
            })
    }
}
