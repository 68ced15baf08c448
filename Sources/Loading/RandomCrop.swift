import Foundation
import Images

/// A random part of an image: no two passes show the same pixels.
public enum RandomCrop: Sendable, Hashable {
    /// Each side at least so large a share of the whole one's, above 0: what is told of an image as a whole stays true of the part.
    case sides(atLeast: Double)
    /// An area of a share of the image's in `area`, whose width divided by its height is in `aspect`: torchvision's
    /// `RandomResizedCrop`, the middle of the image where none fits in ten tries.
    case area(ClosedRange<Double>, aspect: ClosedRange<Double>)

    /// BLIP-2's: an area of half the image and more, from 3:4 to 4:3.
    public static let blip2 = RandomCrop.area(0.5...1, aspect: 3.0 / 4...4.0 / 3)

    /// The part of an image of `size` that `chance` draws.
    func rectangle(in size: Size, _ chance: inout Chance) -> PixelRectangle {
        switch self {
        case .sides(let share): Self.part(of: size, share, &chance)
        case .area(let area, let aspect): Self.part(of: size, area, aspect, &chance)
        }
    }

    private static func part(of size: Size, _ share: Double, _ chance: inout Chance) -> PixelRectangle {
        func axis(_ side: Int) -> Range<Int> {
            let least = max(1, Int((Double(side) * share).rounded(.up)))
            let length = least + chance.below(side - least + 1)
            let start = chance.below(side - length + 1)
            return start..<(start + length)
        }
        let (columns, rows) = (axis(size.width), axis(size.height))
        return PixelRectangle(
            x: columns.lowerBound, y: rows.lowerBound, size: Size(width: columns.count, height: rows.count))
    }

    /// Source: torchvision `transforms/transforms.py`, `RandomResizedCrop.get_params`.
    private static func part(
        of size: Size, _ area: ClosedRange<Double>, _ aspect: ClosedRange<Double>, _ chance: inout Chance
    ) -> PixelRectangle {
        let whole = Double(size.width * size.height)
        for _ in 0..<10 {
            let target = whole * chance.number(in: area)
            let ratio = exp(chance.number(in: log(aspect.lowerBound)...log(aspect.upperBound)))
            let width = Int((target * ratio).squareRoot().rounded(.toNearestOrEven))
            let height = Int((target / ratio).squareRoot().rounded(.toNearestOrEven))
            guard width > 0, width <= size.width, height > 0, height <= size.height else { continue }
            let y = chance.below(size.height - height + 1)
            let x = chance.below(size.width - width + 1)
            return PixelRectangle(x: x, y: y, size: Size(width: width, height: height))
        }
        var (width, height) = (size.width, size.height)
        let ratio = Double(width) / Double(height)
        if ratio < aspect.lowerBound {
            height = Int((Double(width) / aspect.lowerBound).rounded(.toNearestOrEven))
        } else if ratio > aspect.upperBound {
            width = Int((Double(height) * aspect.upperBound).rounded(.toNearestOrEven))
        }
        return PixelRectangle(
            x: (size.width - width) / 2, y: (size.height - height) / 2, size: Size(width: width, height: height))
    }
}
