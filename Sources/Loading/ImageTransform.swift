package import Images

/// What is done to an image before a model sees it: a part is cut out, made a square, mirrored and changed.
///
/// What chance decides depends on the loader's seed and the sample's position alone.
public struct ImageTransform: Sendable, Hashable {
    /// How an image becomes a square.
    public enum Fit: Sendable, Hashable {
        /// Both sides become the square's, whatever the shape.
        case squashed
        /// The shorter side becomes the square's, and the middle is cut out.
        case centred
    }

    /// The side in pixels of the square.
    public var side: Int
    /// How the image, or its part, becomes a square; by the bicubic filter, with antialiasing.
    public var fit: Fit
    /// Which part is shown; nil shows the whole.
    public var crop: RandomCrop?
    /// Whether every second image, by chance, is mirrored: left becomes right, in captions it does not.
    public var flips = false
    /// What is done to the colours and the place of the picture; nil does nothing.
    public var randAugment: RandAugment?

    /// All of an image, made a square of `side` pixels.
    public init(side: Int, fit: Fit = .squashed, crop: RandomCrop? = nil) {
        precondition(side > 0, "a square has at least one pixel")
        (self.side, self.fit, self.crop) = (side, fit, crop)
    }

    /// What a model sees of an image when it is used.
    package init(_ view: ImageView) {
        switch view {
        case .squashed(let side): self.init(side: side)
        case .shortestSideCropped(let side): self.init(side: side, fit: .centred)
        }
    }

    /// BLIP-2's for training: a random part, every second one mirrored.
    ///
    /// Source: LAVIS `lavis/processors/blip_processors.py`, `Blip2ImageTrainProcessor`.
    public static func blip2(side: Int = 224) -> ImageTransform {
        var transform = ImageTransform(side: side, crop: .blip2)
        transform.flips = true
        return transform
    }

    private var view: ImageView { fit == .squashed ? .squashed(side: side) : .shortestSideCropped(side: side) }

    /// The square of the image file `bytes`, which is the sample at `position`: `side * side * 3` bytes.
    func callAsFunction(
        _ bytes: [UInt8], position: Int, seed: UInt64, maxPixels: Int
    ) throws(ImageError) -> [UInt8] {
        var image = try square(bytes, position: position, seed: seed, maxPixels: maxPixels)
        if flips {
            var chance = Chance(seed: seed, .flip, position)
            if chance.coin() { image = image.mirrored }
        }
        if let randAugment {
            var chance = Chance(seed: seed, .randAugment, position)
            image = randAugment(image, &chance)
        }
        return image.rgb
    }

    private func square(
        _ bytes: [UInt8], position: Int, seed: UInt64, maxPixels: Int
    ) throws(ImageError) -> PixelImage {
        let header = try readHeader(bytes)
        guard let crop else { return view(try decode(bytes, header: header, maxPixels: maxPixels)) }
        var chance = Chance(seed: seed, .crop, position)
        let part = crop.rectangle(in: header.orientedSize, &chance)
        guard fit == .squashed else {
            return view(try decode(bytes, header: header, maxPixels: maxPixels).cut(to: part))
        }
        return try decodeCrop(bytes, header: header, part, to: Size(width: side, height: side), maxPixels: maxPixels)
    }
}
