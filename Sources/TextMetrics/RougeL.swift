/// ROUGE-L of one caption: the longest common subsequence with its references.
///
/// Precision and recall are each the best over the references, which need not be the same one; recall weighs 1.2 times as
/// much. Captions without words are one empty token, so that two of them are equal.
///
/// Source: pycocoevalcap 1.2 `rouge/rouge.py`.
enum RougeL {
    private static let beta = 1.2

    static func score(_ candidate: [Int32], _ references: [[Int32]]) -> Double {
        var (precision, recall) = (0.0, 0.0)
        for reference in references {
            let common = Double(commonCount(candidate, reference))
            precision = max(precision, common / Double(candidate.count))
            recall = max(recall, common / Double(reference.count))
        }
        guard precision > 0, recall > 0 else { return 0 }
        let square = beta * beta
        return (1 + square) * precision * recall / (recall + square * precision)
    }

    private static func commonCount(_ a: [Int32], _ b: [Int32]) -> Int {
        var counts = [Int](repeating: 0, count: b.count + 1)
        for word in a {
            var diagonal = 0
            for (place, other) in b.enumerated() {
                let above = counts[place + 1]
                counts[place + 1] = word == other ? diagonal + 1 : max(above, counts[place])
                diagonal = above
            }
        }
        return counts[b.count]
    }
}
