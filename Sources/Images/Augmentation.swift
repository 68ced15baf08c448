import CImages
import Foundation

extension PixelImage {
    /// The picture with left and right exchanged.
    package var mirrored: PixelImage {
        makePixels(size) { output in withPixels { ci_orient($0, 2, output.pixels) } }
    }

    /// Each channel stretched so that it reaches from 0 to 255; as it was where it has one value only.
    ///
    /// Equals `PIL.ImageOps.autocontrast`. (LAVIS's own function means the same, but with numpy's bytes `-low` wraps around, and
    /// a channel without a 0 becomes white.)
    /// Source: LAVIS `lavis/processors/randaugment.py`, `autocontrast_func`.
    package var autoContrasted: PixelImage {
        perChannel { counts in
            guard let low = counts.firstIndex(where: { $0 > 0 }), let high = counts.lastIndex(where: { $0 > 0 }),
                low < high
            else { return nil }
            let scale = 255 / Double(high - low)
            let offset = -Double(low) * scale
            return (0...255).map { byte(Double($0) * scale + offset) }
        }
    }

    /// Each channel with its values spread as evenly as they can be.
    ///
    /// Source: LAVIS `lavis/processors/randaugment.py`, `equalize_func`, which equals `PIL.ImageOps.equalize`.
    package var equalized: PixelImage {
        perChannel { counts in
            guard let last = counts.last(where: { $0 > 0 }) else { return nil }
            let step = (counts.reduce(0, +) - last) / 255
            guard step > 0 else { return nil }
            var sum = step / 2
            return counts.map { count in
                defer { sum += count }
                return UInt8(min(255, sum / step))
            }
        }
    }

    /// Every value times `factor`.
    ///
    /// Source: LAVIS `lavis/processors/randaugment.py`, `brightness_func`.
    package func brightened(by factor: Double) -> PixelImage {
        let table = (0...255).map { byte(Double(Float($0) * Float(factor))) }
        return perChannel { _ in table }
    }

    /// Blurred where `factor` is 0, as it was at 1, sharper above; the outermost pixels stay.
    ///
    /// Source: LAVIS `lavis/processors/randaugment.py`, `sharpness_func`.
    package func sharpened(by factor: Double) -> PixelImage {
        guard factor != 1, width > 2, height > 2 else { return self }
        var result = rgb
        for y in 1..<height - 1 {
            for x in 1..<width - 1 {
                for channel in 0..<3 {
                    let place = (y * width + x) * 3 + channel
                    var sum = Int(rgb[place]) * 4
                    for row in -1...1 {
                        for column in -1...1 { sum += Int(rgb[place + (row * width + column) * 3]) }
                    }
                    let smooth = (Float(sum) / 13).rounded(.toNearestOrEven)
                    result[place] = byte(Double(smooth + Float(factor) * (Float(rgb[place]) - smooth)))
                }
            }
        }
        return PixelImage(width: width, height: height, rgb: result)
    }

    /// How the pixels of a picture move.
    package enum Motion: Sendable, Equatable {
        /// Rows move to the right by so many pixels a row.
        case shearX(Double)
        /// Columns move down by so many pixels a column.
        case shearY(Double)
        /// To the right by so many pixels.
        case translateX(Double)
        /// Down by so many pixels.
        case translateY(Double)
        /// Around the middle, against the clock, by so many degrees.
        case rotate(Double)
    }

    /// The picture after `motion`, of the same size; where nothing came from, it is `fill`, a red, a green and a blue.
    ///
    /// Source: LAVIS `lavis/processors/randaugment.py`, `rotate_func`, `shear_x_func` and those that follow, by OpenCV.
    package func moved(_ motion: Motion, fill: (UInt8, UInt8, UInt8) = (128, 128, 128)) -> PixelImage {
        var affine = ci_affine_t(xx: 1, xy: 0, x: 0, yx: 0, yy: 1, y: 0)
        switch motion {
        case .shearX(let factor): affine.xy = Double(Float(factor))
        case .shearY(let factor): affine.yx = Double(Float(factor))
        case .translateX(let pixels): affine.x = Double(Float(pixels))
        case .translateY(let pixels): affine.y = Double(Float(pixels))
        case .rotate(let degrees):
            let (cosine, sine) = (cos(degrees * .pi / 180), sin(degrees * .pi / 180))
            let (x, y) = (Double(width) / 2, Double(height) / 2)
            affine = ci_affine_t(
                xx: cosine, xy: sine, x: (1 - cosine) * x - sine * y, yx: -sine, yy: cosine,
                y: sine * x + (1 - cosine) * y)
        }
        return makePixels(size) { output in
            withPixels { ci_warp($0, affine, [fill.0, fill.1, fill.2], output.pixels) }
        }
    }

    /// The picture with the values of each channel replaced as the table that `table` makes of their counts says; a channel for
    /// which there is none stays.
    private func perChannel(_ table: (_ counts: [Int]) -> [UInt8]?) -> PixelImage {
        var result = rgb
        for channel in 0..<3 {
            var counts = [Int](repeating: 0, count: 256)
            for place in stride(from: channel, to: rgb.count, by: 3) { counts[Int(rgb[place])] += 1 }
            guard let values = table(counts) else { continue }
            for place in stride(from: channel, to: rgb.count, by: 3) { result[place] = values[Int(rgb[place])] }
        }
        return PixelImage(width: width, height: height, rgb: result)
    }
}

/// `value` as a byte, as numpy's `clip(0, 255).astype(np.uint8)` makes it.
private func byte(_ value: Double) -> UInt8 { UInt8(min(max(value, 0), 255)) }
