import Glibc
import Testing

@testable import Images

@Suite("Resizing")
struct ResizingTests {
    @Test("equals Pillow bit for bit", arguments: try Goldens.resizes())
    func golden(_ golden: Goldens.Resize) throws {
        let (image, size) = (golden.image, golden.result.size)
        let result =
            switch golden.kind {
            case "bicubic": resizeBicubic(image, width: size.width, height: size.height)
            case "hamming": resize(image, ResizePlan(scaling: image.size, to: size))
            case "clip": ImageView.shortestSideCropped(side: size.width)(image)
            default: resize(try reduced(golden), ResizePlan(scaling: image.size, to: size))
            }
        #expect(result.size == size)
        #expect(difference(result.rgb, golden.result.rgb) == 0)
    }

    /// The source of `golden` as what is decoded of a picture at 1/2, 1/4 or 1/8, turned by half or not.
    private func reduced(_ golden: Goldens.Resize) throws -> ReducedImage {
        let denominator = try #require(golden.kind.last?.wholeNumberValue)
        let whole = Size(
            width: (golden.source.width - 1) * denominator + 1, height: golden.source.height * denominator - 1)
        let orientation = golden.kind.hasPrefix("turned") ? 3 : 1
        return ReducedImage(golden.image, area: Area(of: whole, dividedBy: denominator, orientation: orientation))
    }

    @Test("of a JPEG decoded smaller is as near to that of the whole where its sides do not divide", arguments: 1...8)
    func reducedJPEG(orientation: Int) throws {
        let size = Size(width: 1001, height: 667)  // one more than 250 * 4, and three more than 166 * 4
        let rough = PixelImage(width: 64, height: 43, rgb: noise(seed: 3, count: 64 * 43 * 3))
        let picture = resizeBicubic(rough, width: size.width, height: size.height)
        let jpeg = try turned(encodeJPEG(picture, quality: 95), orientation)
        let header = try readHeader(jpeg)
        #expect(header.orientation == orientation)
        let plan = ResizePlan(header.orientedSize, mode: .shortestSide, size: 160)
        let reduced = try decodeReduced(jpeg, header: header, covering: plan.scaled, maxPixels: 1_000_000)
        let longer: Int = max(reduced.pixels.width, reduced.pixels.height)
        #expect(longer == 251)
        let wanted = resize(try decode(jpeg, maxPixels: 1_000_000), plan)
        let near = lumaPSNR(resize(reduced, plan), wanted)
        // As if the picture covered all of its last pixels.
        let far = lumaPSNR(resize(ReducedImage(reduced.pixels), plan), wanted)
        #expect(near > 38 && near > far + 5, "\(near) dB, \(far) dB")
    }

    /// `jpeg` with an EXIF segment that says `orientation`.
    private func turned(_ jpeg: [UInt8], _ orientation: Int) -> [UInt8] {
        let tiff: [UInt8] = [
            0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, UInt8(orientation), 0, 0, 0,
        ]
        let body = Array("Exif\0\0".utf8) + tiff + [0, 0, 0, 0]
        let segment: [UInt8] = [0xff, 0xe1, 0, UInt8(body.count + 2)] + body
        return Array(jpeg[..<2]) + segment + Array(jpeg[2...])
    }

    private func lumaPSNR(_ left: PixelImage, _ right: PixelImage) -> Double {
        func luma(_ image: PixelImage, _ place: Int) -> Double {
            let (red, green, blue) = (image.rgb[place], image.rgb[place + 1], image.rgb[place + 2])
            return 0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue)
        }
        let squares = stride(from: 0, to: left.rgb.count, by: 3).map { place -> Double in
            let difference = luma(left, place) - luma(right, place)
            return difference * difference
        }
        return 10 * log10(255 * 255 / (squares.reduce(0, +) / Double(squares.count)))
    }

    @Test("keeps a picture of one colour as it is, at every size")
    func constant() throws {
        let image = PixelImage(width: 13, height: 7, rgb: (0..<13 * 7).flatMap { _ in [7, 250, 128] as [UInt8] })
        for (width, height) in [(1, 1), (5, 3), (40, 90), (13, 2)] {
            let result = resizeBicubic(image, width: width, height: height)
            #expect(result.rgb == (0..<width * height).flatMap { _ in [7, 250, 128] as [UInt8] })
        }
    }

    @Test("squashes to a square whatever the shape")
    func squash() throws {
        let image = PixelImage(width: 30, height: 10, rgb: noise(seed: 1, count: 900))
        #expect(ImageView.squashed(side: 16)(image) == resizeBicubic(image, width: 16, height: 16))
    }
}

@Suite("A resize plan")
struct ResizePlanTests {
    private func plan(_ width: Int, _ height: Int, _ mode: ResizeMode, size: Int = 384) -> ResizePlan {
        ResizePlan(Size(width: width, height: height), mode: mode, size: size)
    }

    @Test("scales the side that its mode names and rounds the other")
    func sides() {
        #expect(plan(1024, 768, .shortestSide).output == Size(width: 512, height: 384))
        #expect(plan(768, 1025, .shortestSide).output == Size(width: 384, height: 513))
        #expect(plan(1024, 768, .longestSide).output == Size(width: 384, height: 288))
        #expect(plan(10_000, 1, .longestSide).output == Size(width: 384, height: 1))
        #expect(plan(1024, 768, .none).isIdentity)
    }

    @Test("cuts the middle out, or fills white around")
    func windows() {
        let crop = plan(1024, 768, .centerCrop)
        #expect(crop.scaled == Size(width: 512, height: 384))
        #expect(crop.output == Size(width: 384, height: 384))
        #expect([crop.left, crop.top] == [64, 0])
        let pad = plan(1024, 768, .pad)
        #expect(pad.scaled == Size(width: 384, height: 288))
        #expect(pad.output == Size(width: 384, height: 384))
        #expect([pad.left, pad.top] == [0, -48])
    }

    @Test("never enlarges")
    func small() {
        for mode in [ResizeMode.shortestSide, .longestSide, .none] { #expect(plan(100, 300, mode).isIdentity) }
        #expect(plan(100, 600, .centerCrop).scaled == Size(width: 100, height: 600))
        #expect(plan(100, 600, .centerCrop).output == Size(width: 100, height: 384))
        #expect(plan(100, 300, .pad).scaled == Size(width: 100, height: 300))
        #expect(plan(100, 300, .pad).output == Size(width: 384, height: 384))
    }

    @Test("cropped, equals the crop of the whole")
    func crop() throws {
        let image = PixelImage(width: 50, height: 30, rgb: noise(seed: 5, count: 4500))
        let plan = plan(50, 30, .centerCrop, size: 12)
        let cropped = resize(image, plan)
        let whole = resize(image, self.plan(50, 30, .shortestSide, size: 12))
        #expect(whole.size == Size(width: 20, height: 12))
        for y in 0..<12 {
            let row = whole.rgb[(y * 20 + 4) * 3..<(y * 20 + 16) * 3]
            #expect(cropped.rgb[y * 36..<y * 36 + 36].elementsEqual(row))
        }
    }

    @Test("padded, is white around the picture")
    func pad() throws {
        let image = PixelImage(width: 2, height: 1, rgb: [1, 2, 3, 4, 5, 6])
        let padded = resize(image, plan(2, 1, .pad, size: 4))
        let white = [UInt8](repeating: 255, count: 12)
        #expect(padded.rgb == white + [255, 255, 255, 1, 2, 3, 4, 5, 6, 255, 255, 255] + white + white)
    }
}
