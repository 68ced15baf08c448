import Foundation
import Images
import Stages
import Tensors
import TestSupport
import Testing

@testable import Captioning

@Suite("Use of a device")
struct DeviceUseTests {
    @Test("the batch is the largest power of two that fits in the memory, at most 64")
    func batches() {
        let gigabyte = 1 << 30
        for (memory, batch) in [(0, 1), (4, 1), (5, 4), (6, 8), (8, 16), (12, 32), (24, 64), (139, 64)] {
            #expect(DeviceUse.batch(availableByteCount: memory * gigabyte) == batch, "\(memory) GB")
        }
        #expect(DeviceUse(of: .cpu, batch: 9) == DeviceUse(batch: 1, decodesOnDevice: false))
        #expect(DeviceUse.engineCount(on: .cpu, cores: 5) == 5 && DeviceUse.engineCount(on: .cuda(0), cores: 5) == 2)
    }

    @Test("in full batches on the device, captions and scores are those of images computed alone")
    func same() async throws {
        let folder = try Project.temporaryFolder("models")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try RandomCheckpoint.writeBLIP(to: folder + "/blip", seed: 1)
        try RandomCheckpoint.writeCLIP(to: folder + "/clip", seed: 2)
        let engines = EnginePool(engineCount: 2)
        func captions(_ use: DeviceUse?) async throws -> [[GeneratedCaption]] {
            let captioner = try BLIPCaptioner(
                directory: folder + "/blip", seed: 7, precision: .float32, engines: engines, use: use)
            return try await captioner.caption(CaptioningTests.requests(8, side: captioner.view.side), count: 4)
        }
        let alone = try await captions(nil)
        let together = try await captions(DeviceUse(batch: 3, decodesOnDevice: true))
        #expect(together.map { $0.map(\.text) } == alone.map { $0.map(\.text) })
        for (ours, theirs) in zip(together.joined(), alone.joined()) {
            #expect(abs(ours.logprob - theirs.logprob) < 1e-3)
        }

        func scores(_ use: DeviceUse?) async throws -> [[Double]] {
            let ranker = try CLIPRanker(directory: folder + "/clip", precision: .float32, engines: engines, use: use)
            return try await ranker.score(
                zip(CaptioningTests.requests(8, side: ranker.view.side), alone).map { request, captions in
                    RankRequest(key: request.key, pixels: request.pixels, captions: captions.map(\.text))
                })
        }
        let (one, many) = (try await scores(nil), try await scores(DeviceUse(batch: 3, decodesOnDevice: true)))
        for (ours, theirs) in zip(many.joined(), one.joined()) { #expect(abs(ours - theirs) < 1e-5) }
    }
}
