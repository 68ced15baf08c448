import Images
import Testing

@testable import Loading

@Suite("RandAugment") struct RandAugmentTests {
    private let image = PixelImage(
        width: 24, height: 16, rgb: (0..<1152).map { (place: Int) -> UInt8 in UInt8(place * 37 % 251 / 2 + 40) })

    @Test("draws each of ten operations as often, and does one in two of them")
    func shares() {
        var (same, kinds): (Int, Set<[UInt8]>) = (0, [])
        let draws = 4000
        for position in 0..<draws {
            var chance = Chance(seed: 1, .randAugment, position)
            let changed = RandAugment()(image, &chance)
            #expect(changed.size == image.size)
            if changed == image { same += 1 }
            kinds.insert(changed.rgb)
        }
        // An operation changes nothing where it is not done, or is one of three of ten: 0.65 for one, its square for two.
        #expect(abs(Double(same) / Double(draws) - 0.4225) < 0.03, "\(same)")
        // Two of autocontrast, equalizing and five motions to two sides each, in either order, or one of them.
        #expect((80...170).contains(kinds.count), "\(kinds.count)")
    }

    @Test("changes nothing at level 5 where BLIP's level means a factor of 1")
    func neutral() {
        for operation in [RandAugment.Operation.identity, .brightness, .sharpness] {
            #expect(RandAugment().apply(operation, to: image, isNegative: false) == image)
        }
    }
}
