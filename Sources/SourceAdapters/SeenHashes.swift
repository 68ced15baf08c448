/// Hashes of one bucket, and whether an earlier one is near to a new one.
///
/// Two hashes that differ in at most `distance` of the bits that the bucket does not share are equal in one of so many parts
/// of them and one more: only hashes that are equal there are compared, so that a bucket of pictures that are alike, such as
/// plain ones, does not cost its square.
package struct SeenHashes {
    private struct Part: Hashable {
        let number: Int
        let bits: UInt64
    }

    private let distance: Int
    private let shift: Int
    private let width: Int
    private var all: Set<UInt64> = []
    private var byPart: [Part: [UInt64]] = [:]
    /// How many pairs of hashes were compared.
    package private(set) var comparisons = 0

    /// For hashes whose highest `sharedBits` are equal.
    package init(distance: Int, sharedBits: Int) {
        self.distance = distance
        shift = sharedBits
        // Rounded up: the last part may be narrower, and none is left out.
        width = max(1, (64 - sharedBits + distance) / (distance + 1))
    }

    /// Takes in `hash`; whether one that differs in at most `distance` bits was there.
    package mutating func add(_ hash: UInt64) -> Bool {
        guard all.insert(hash).inserted else { return true }
        guard distance > 0 else { return false }
        let parts = (0...distance).map { number in
            let start = shift + number * width
            return Part(number: number, bits: start < 64 ? (hash << UInt64(start)) >> UInt64(64 - width) : 0)
        }
        var isNear = false
        for part in parts {
            let alike = byPart[part, default: []]
            let near = alike.firstIndex { ($0 ^ hash).nonzeroBitCount <= distance }
            comparisons += near.map { $0 + 1 } ?? alike.count
            isNear = near != nil
            if isNear { break }
        }
        for part in parts { byPart[part, default: []].append(hash) }
        return isNear
    }
}
