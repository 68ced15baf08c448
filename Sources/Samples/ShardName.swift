/// The name of a shard, such as `cc3m-000007`: the source, a hyphen, and the shard's number in at least six digits.
package struct ShardName: Hashable, Sendable, CustomStringConvertible {
    /// The digits of a small number; a number of more digits is written as it is.
    private static let digitCount = 6

    /// The name that the manifest gives the source.
    package let source: String
    /// The number of the shard in its source, from 0.
    package let number: Int

    /// Names shard `number` of `source`.
    package init(source: String, number: Int) {
        (self.source, self.number) = (source, number)
    }

    /// Reads a name; nil where `text` is not the name of a shard.
    package init?(_ text: some StringProtocol) {
        guard let hyphen = text.lastIndex(of: "-"), hyphen > text.startIndex else { return nil }
        let digits = text[text.index(after: hyphen)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else { return nil }
        self.init(source: String(text[..<hyphen]), number: number)
        guard description == text else { return nil }
    }

    /// The number as the name has it.
    package var digits: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, Self.digitCount - digits.count)) + digits
    }

    /// The name itself.
    package var description: String { source + "-" + digits }
}

extension ShardName {
    /// The names of the shards `first` to `last` of `source` in the braces that shells and webdataset expand.
    ///
    /// Numbers of different lengths are ranges of their own: braces would pad the shorter ones.
    package static func braces(_ source: String, _ numbers: ClosedRange<Int>) -> String {
        var ranges: [String] = []
        var first = numbers.lowerBound
        while first <= numbers.upperBound {
            let start = ShardName(source: source, number: first).digits
            let last = min(numbers.upperBound, largestNumber(ofDigits: start.count))
            ranges.append(first == last ? start : "{\(start)..\(ShardName(source: source, number: last).digits)}")
            first = last + 1
        }
        return source + "-" + (ranges.count == 1 ? ranges[0] : "{" + ranges.joined(separator: ",") + "}")
    }

    private static func largestNumber(ofDigits count: Int) -> Int {
        Int(String(repeating: "9", count: count)) ?? Int.max - 1
    }
}
