import Foundation

/// 64 bits of what `image` looks like: copies of a picture in another size or quality differ in none or few of them.
///
/// The picture is scaled to 32×32, made grey, and taken apart into cosines; each of the 8×8 slowest of them gives one
/// bit, whether it is above their median: rows top to bottom, the first bit the highest. It is the hash of
/// `imagehash.phash` (Python) but for the resampling kernel, which is bicubic here. All numbers are whole, so that equal
/// pictures have equal hashes on every machine.
/// Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section 3.2.1.
package func perceptualHash(_ image: PixelImage) -> UInt64 {
    let picture = resizeBicubic(image, width: Cosines.side, height: Cosines.side)
    // ITU-R 601, times 1000.
    let grey = stride(from: 0, to: picture.rgb.count, by: 3).map { place in
        299 * Int(picture.rgb[place]) + 587 * Int(picture.rgb[place + 1]) + 114 * Int(picture.rgb[place + 2])
    }
    let rows = Cosines.transformed(grey, lineCount: Cosines.side)
    let frequencies = Cosines.transformed(rows, lineCount: Cosines.kept)
    let ordered = frequencies.sorted()
    let twiceMedian = ordered[ordered.count / 2 - 1] + ordered[ordered.count / 2]
    return frequencies.reduce(0) { $0 << 1 | (2 * $1 > twiceMedian ? 1 : 0) }
}

/// The slowest cosines of the discrete cosine transform (its second kind).
private enum Cosines {
    /// Positions of a line.
    static let side = 32
    /// Frequencies of a line that are looked at.
    static let kept = 8

    /// `kept` rows of `side`, times 2^14: two transforms of grey values stay below 2^63.
    private static let values: [Int] = (0..<kept * side).map { place in
        let (frequency, position) = (place / side, place % side)
        let angle = Double.pi * Double(frequency * (2 * position + 1)) / Double(2 * side)
        return Int((cos(angle) * 16_384).rounded())
    }

    /// The frequencies of each of `lineCount` lines of `side` values, as `kept` lines of `lineCount` values.
    static func transformed(_ lines: [Int], lineCount: Int) -> [Int] {
        var result: [Int] = []
        result.reserveCapacity(kept * lineCount)
        for frequency in 0..<kept {
            for line in 0..<lineCount {
                var sum = 0
                for position in 0..<side { sum += values[frequency * side + position] * lines[line * side + position] }
                result.append(sum)
            }
        }
        return result
    }
}
