import Images
import RandomNumbers

/// A random part of an image, each side at least `scale` of the whole one's: what is told of an image as a whole stays true of
/// it, and no two epochs show the same pixels.
package struct RandomCrop: Sendable, Equatable {
    /// The least share of each side, above 0; 1 takes the image as it is.
    package let scale: Double

    package init(scale: Double) {
        precondition(scale > 0 && scale <= 1, "a part is more than nothing and at most the whole")
        self.scale = scale
    }

    /// The part of `image` that the sample `key` shows in `epoch`; it depends on nothing but these and the seed.
    func callAsFunction(_ image: PixelImage, key: String, epoch: Int, seed: UInt64) -> PixelImage {
        guard scale < 1 else { return image }
        var chance = Chance(seed: seed, .crop, UInt64(epoch), nameHash(key))
        func part(of side: Int) -> Range<Int> {
            let least = max(1, Int((Double(side) * scale).rounded(.up)))
            let length = least + chance.below(side - least + 1)
            let start = chance.below(side - length + 1)
            return start..<(start + length)
        }
        let (columns, rows) = (part(of: image.width), part(of: image.height))
        var rgb: [UInt8] = []
        rgb.reserveCapacity(columns.count * rows.count * 3)
        for row in rows {
            let start = (row * image.width + columns.lowerBound) * 3
            rgb += image.rgb[start..<(start + columns.count * 3)]
        }
        return PixelImage(width: columns.count, height: rows.count, rgb: rgb)
    }
}
