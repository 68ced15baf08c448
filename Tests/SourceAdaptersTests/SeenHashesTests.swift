import RandomNumbers
import SourceAdapters
import Testing

@Suite("Hashes that were seen") struct SeenHashesTests {
    @Test("are near to the same ones as by comparing all", arguments: 0...3)
    func all(distance: Int) throws {
        let sharedBits = 64 / (distance + 1)
        for seed in 0..<20 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let prefix = sharedBits == 64 ? random.next() : random.next() << UInt64(64 - sharedBits)
            var seen = SeenHashes(distance: distance, sharedBits: sharedBits)
            var hashes: [UInt64] = []
            for _ in 0..<400 {
                // A new one, or one that differs from an earlier one in some bits.
                let rest = sharedBits == 64 ? 0 : random.next() >> UInt64(sharedBits)
                var hash = hashes.isEmpty || random.below(2) == 0 ? prefix | rest : hashes[random.below(hashes.count)]
                if sharedBits < 64 {
                    for _ in 0..<random.below(6) { hash ^= 1 << UInt64(random.below(64 - sharedBits)) }
                }
                let isNear = hashes.contains { ($0 ^ hash).nonzeroBitCount <= distance }
                try #require(seen.add(hash) == isNear, "seed \(seed)")
                hashes.append(hash)
            }
        }
    }

    @Test("do not cost their square where many share a bucket")
    func bucket() {
        var random = SplitMix64(seed: 1)
        var seen = SeenHashes(distance: 3, sharedBits: 16)
        let count = 20_000
        var near = 0
        for _ in 0..<count { near += seen.add(random.next() >> 16) ? 1 : 0 }
        #expect(near < 100)
        // A thousandth of the pairs: 4 parts of 12 bits are equal by chance in one of 1,024.
        #expect((1...(count * count / 2 / 900)).contains(seen.comparisons))
    }
}
