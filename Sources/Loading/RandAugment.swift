import Images

/// BLIP's RandAugment: a few operations drawn from ten, with replacement, each done or not by chance.
///
/// Source: LAVIS `lavis/processors/randaugment.py`, `RandomAugment`, with the operations of `blip_processors.py`,
/// `BlipImageTrainProcessor`.
public struct RandAugment: Sendable, Hashable {
    /// How many operations are drawn.
    public var operations = 2
    /// How strong they are, from 0 to 10.
    ///
    /// At 5, brightness and sharpness stay as they are.
    public var level = 5.0

    /// BLIP's: two operations of level 5.
    public init() {}

    enum Operation: Int, CaseIterable {
        case identity, autoContrast, brightness, sharpness, equalize, shearX, shearY, translateX, translateY, rotate
    }

    /// `image` as `chance` changes it.
    func callAsFunction(_ image: PixelImage, _ chance: inout Chance) -> PixelImage {
        let drawn = (0..<operations).map { _ in Operation.allCases[chance.below(Operation.allCases.count)] }
        var image = image
        for operation in drawn where chance.coin() { image = apply(operation, to: image, isNegative: chance.coin()) }
        return image
    }

    /// `image` after `operation`, the other way round where it `isNegative` and has a direction.
    func apply(_ operation: Operation, to image: PixelImage, isNegative: Bool) -> PixelImage {
        let strength = level / 10
        let sign = isNegative ? -1.0 : 1.0
        return switch operation {
        case .identity: image
        case .autoContrast: image.autoContrasted
        case .equalize: image.equalized
        case .brightness: image.brightened(by: strength * 1.8 + 0.1)
        case .sharpness: image.sharpened(by: strength * 1.8 + 0.1)
        case .shearX: image.moved(.shearX(sign * strength * 0.3))
        case .shearY: image.moved(.shearY(sign * strength * 0.3))
        case .translateX: image.moved(.translateX(sign * strength * 10))
        case .translateY: image.moved(.translateY(sign * strength * 10))
        case .rotate: image.moved(.rotate(sign * strength * 30))
        }
    }
}
