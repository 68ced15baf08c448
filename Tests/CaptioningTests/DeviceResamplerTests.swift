import Foundation
import Images
import RandomNumbers
import Stages
import Tensors
import TestSupport
import Testing

@testable import Captioning

@Suite("Resampling on the device, here the processor")
struct DeviceResamplerTests {
    static let sizes = [
        (1, 1), (7, 5), (96, 96), (640, 480), (480, 641), (97, 95), (1000, 3), (2, 700), (33, 1), (51, 48), (48, 51),
        (800, 799), (31, 64), (500, 1333),
    ]

    private func noise(_ width: Int, _ height: Int) -> PixelImage {
        var random = SplitMix64(seed: UInt64(width * 10_000 + height))
        // Extremes beside each other make the sums overshoot, so that clamping plays a part.
        let rgb = (0..<width * height * 3).map { _ in
            [0, 255, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
        }
        return PixelImage(width: width, height: height, rgb: rgb)
    }

    @Test("equals the processor's views bit for bit", arguments: sizes)
    func views(width: Int, height: Int) throws {
        let resampler = DeviceResampler(on: .cpu)
        let image = noise(width, height)
        for side in [16, 48, 97] {
            func rgb(_ plan: ViewPlan) throws -> [UInt8] {
                try resampler.view(image, plan).permuted([1, 2, 0]).contiguous().bytes()
            }
            #expect(try rgb(ViewPlan(squashing: image.size, side)) == squashed(image, side: side).rgb)
            #expect(
                try rgb(ViewPlan(shortestSideCropping: image.size, side)) == shortestSideCropped(image, side: side).rgb)
        }
    }

    @Test("an image as it is gives the captions and scores of its views")
    func sources() async throws {
        let folder = try Project.temporaryFolder("models")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try RandomCheckpoint.writeBLIP(to: folder + "/blip", seed: 1)
        try RandomCheckpoint.writeCLIP(to: folder + "/clip", seed: 2)
        let engines = EnginePool()
        let captioner = try BLIPCaptioner(directory: folder + "/blip", seed: 3, precision: .float32, engines: engines)
        let ranker = try CLIPRanker(directory: folder + "/clip", precision: .float32, engines: engines)
        for (width, height) in [(200, 150), (90, 301)] {
            let image = noise(width, height)
            let seen = try await captioner.caption([CaptionRequest(key: "x", image: .source(image))], count: 3)
            let view = squashed(image, side: captioner.imageSide).rgb
            #expect(try await captioner.caption([CaptionRequest(key: "x", pixels: view)], count: 3) == seen)
            let crop = shortestSideCropped(image, side: ranker.imageSide).rgb
            let texts = ["a dog", "two cats"]
            let scores = try await ranker.score([RankRequest(key: "x", image: .source(image), captions: texts)])
            #expect(try await ranker.score([RankRequest(key: "x", pixels: crop, captions: texts)]) == scores)
        }
    }
}
