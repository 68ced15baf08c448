import Decoding
import Foundation
import Images
import LanguageModels
import Layers
import ModelFolders
import Tensors
import TestSupport
import Testing
import VisionLanguage

/// A whole tiny model that `Tests/Goldens/make_generation_goldens.py` wrote, with the texts that transformers generates.
struct GenerationGolden: Decodable, CustomTestStringConvertible, Sendable {
    /// What was made in one way, the texts of each prompt one after the other.
    struct Made: Decodable, Sendable {
        let ids: [[Int]]
        let texts: [String]
        let scores: [Float]?
    }

    let prompts: [String]
    let new: Int
    let made: [String: Made]
    private(set) var directory = ""

    private enum CodingKeys: CodingKey { case prompts, new, made }

    static let all = ["opt", "t5"].map(GenerationGolden.init)

    init(_ name: String) {
        let directory = Project.root + "/Tests/Goldens/generation/" + name
        do {
            let json = try Data(contentsOf: URL(fileURLWithPath: directory + "/golden.json"))
            self = try JSONDecoder().decode(GenerationGolden.self, from: json)
        } catch {
            preconditionFailure("\(directory): \(error)")
        }
        self.directory = directory
    }

    var testDescription: String { URL(fileURLWithPath: directory).lastPathComponent }

    func model(_ precision: Precision = .float32) throws -> GenerationModel {
        try GenerationModel(directory: directory, precision: precision, on: .cpu)
    }

    /// The ways in which texts were made, and how they are asked for here.
    var ways: [(name: String, options: GenerationOptions, count: Int)] {
        [
            ("greedy", GenerationOptions(.greedy, maxNewTokens: new), 1),
            ("greedy_min5", GenerationOptions(.greedy, minNewTokens: 5, maxNewTokens: new), 1),
        ]
            + [-1, 0, 1].map { penalty in
                let search = GenerationOptions.Search.beams(5, lengthPenalty: Double(penalty))
                return ("beams_\(penalty)", GenerationOptions(search, maxNewTokens: new), 3)
            }
    }

    /// The RGB8 pixels of image `number`, 28 a side.
    static func pixels(_ number: Int) -> [UInt8] {
        (0..<28 * 28 * 3).map { UInt8(($0 * (13 + 8 * number) + $0 / 84 * 29) % 256) }
    }
}

extension GenerationModel {
    /// `count` texts about each of the images `numbers` behind its prompt.
    func texts(
        _ numbers: [Int], _ prompts: [String], _ options: GenerationOptions, count: Int = 1
    ) throws -> [[GeneratedText]] {
        let tokens = try prompts.map { try self.tokens(of: $0) }
        let streams = numbers.map { image in
            (0..<count).map { RandomStream(key: UInt64(100 * image + $0)) }
        }
        return try infer { parts in
            let pixels = try normalizedPixels(
                numbers.map(GenerationGolden.pixels), side: view.side, normalization, on: device)
            return try parts.generate(parts.describe(pixels), prompts: tokens, streams: streams, options)
        }
    }
}
