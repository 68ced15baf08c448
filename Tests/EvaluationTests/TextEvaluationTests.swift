import Foundation
import Images
import LanguageModels
import ModelFolders
import RandomNumbers
import Samples
import Shards
import Storage
import Tensors
import TestSupport
import Testing

@testable import Evaluation

/// Images in memory.
private struct HeldImages: AskedImages {
    var images: ArraySlice<AskedImage>

    init(_ count: Int) throws {
        images = try (0..<count).map { number in
            var random = SplitMix64(seed: UInt64(number))
            let image = PixelImage(
                width: 20, height: 12, rgb: (0..<720).map { _ in UInt8.random(in: 0...255, using: &random) })
            return AskedImage(ids: ["\(number)"], place: "image \(number)", bytes: try encodePNG(image))
        }[...]
    }

    mutating func next() -> AskedImage? { images.popFirst() }
}

@Suite("Texts of a phase-2 model about images")
struct TextEvaluationTests {
    static let folders = ["opt", "t5"].map { Project.root + "/Tests/Goldens/generation/" + $0 }

    private func run(
        _ folder: String, _ items: [TextEvaluation.Item], images: Int = 6, engines: Int = 1, batch: Int = 1,
        shown: TextEvaluation.Shown = .own, share: TextEvaluation.Share = .all
    ) async throws -> [String: String] {
        var evaluation = TextEvaluation(
            try GenerationModel(directory: folder, precision: .float32, on: .cpu), EnginePool(engineCount: engines),
            GenerationOptions(.beams(3, lengthPenalty: -1), maxNewTokens: 6))
        (evaluation.shown, evaluation.batch, evaluation.share) = (shown, batch, share)
        return try await evaluation.run(items, about: HeldImages(images))
    }

    /// Two prompts about each of six images, and one about an image that is not there.
    private let items =
        (0..<6).flatMap { image in
            ["a", "b c"].enumerated().map { number, prompt in
                TextEvaluation.Item(id: "\(image)-\(number)", image: "\(image)", prompt: prompt)
            }
        } + [TextEvaluation.Item(id: "lost", image: "77", prompt: "a")]

    @Test(
        "are the same for any number of engines and whatever else is asked; lost images have none", arguments: folders)
    func independence(folder: String) async throws {
        let texts = try await run(folder, items)
        #expect(texts.count == 12 && texts["lost"] == nil)
        #expect(Set(texts.values).count > 1)
        #expect(try await run(folder, items.reversed(), engines: 2) == texts)
        #expect(try await run(folder, items, batch: 4) == texts)
        let two = items.filter { $0.image == "3" }
        #expect(try await run(folder, two) == texts.filter { $0.key.hasPrefix("3-") })
    }

    @Test("are divided among shares without gap or overlap, whatever each image is shown", arguments: [1, 2, 4])
    func shares(batch: Int) async throws {
        for shown in [TextEvaluation.Shown.own, .other] {
            let whole = try await run(Self.folders[0], items, batch: batch, shown: shown)
            var joined: [String: String] = [:]
            for index in 0..<3 {
                let part = try await run(
                    Self.folders[0], items, batch: batch, shown: shown, share: .init(index, of: 3))
                #expect(part.isEmpty == (index * batch >= 6), "each has its turn")
                joined.merge(part) { _, _ in "twice" }
            }
            #expect(joined == whole)
        }
    }

    @Test(
        "with another image are those of the image before; without one they depend on the prompt alone",
        arguments: folders)
    func shown(folder: String) async throws {
        let own = try await run(folder, items)
        let other = try await run(folder, items, shown: .other)
        for image in 0..<6 {
            let seen = image == 0 ? 1 : image - 1
            for number in 0..<2 { #expect(other["\(image)-\(number)"] == own["\(seen)-\(number)"]) }
        }
        let none = try await run(folder, items, shown: .none)
        #expect(Set(none.values).count <= 2 && none.count == 12)
        #expect(Set((0..<6).map { none["\($0)-0"] }).count == 1)
    }
}
