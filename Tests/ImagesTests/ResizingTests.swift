import Images
import Testing

@Suite("Resizing")
struct ResizingTests {
    @Test("equals Pillow bit for bit", arguments: try Goldens.resizes())
    func golden(_ golden: Goldens.Resize) throws {
        let (image, size) = (golden.image, golden.result.size)
        let result =
            switch golden.kind {
            case "bicubic": resizeBicubic(image, width: size.width, height: size.height)
            case "hamming": resize(image, ResizePlan(scaling: image.size, to: size))
            default: shortestSideCropped(image, side: size.width)
            }
        #expect(result.size == size)
        #expect(difference(result.rgb, golden.result.rgb) == 0)
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
        #expect(squashed(image, side: 16) == resizeBicubic(image, width: 16, height: 16))
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
