import Foundation
import RandomNumbers
import TestSupport
import Testing

/// Small runs of `blip2 train` on a data set that the pipeline built.
final class TrainingSite {
    let folder: String

    init() throws {
        folder = try Project.temporaryFolder("training")
        let demo = try Program.run(
            Site.pipeline,
            ["demo", "--output", folder + "/demo", "--count", "60", "--seed", "5", "--clean", "--no-serve"])
        try #require(demo.status == 0, "\(demo.errors)")
        try """
        version: 1
        name: scenes
        shard: {samples: 16}
        image: {size: 64}
        sources:
          - {name: demo, format: csv, path: demo/list.csv, image_root: demo, captions: original}
        """.write(toFile: folder + "/scenes.yaml", atomically: true, encoding: .utf8)
        let built = try Program.run(
            Site.pipeline, ["build", "--manifest", folder + "/scenes.yaml", "--output", folder + "/data"])
        try #require(built.status == 0, "\(built.errors)")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func arguments(_ role: String, to output: String, steps: Int, _ more: [String] = []) -> [String] {
        let sizes = [
            "--image-size", "48", "--patch-size", "12", "--vision-width", "32", "--vision-layers", "2", "--text-width",
            "32", "--text-layers", "2", "--vocabulary", "700",
        ]
        return [
            "train", role, "--data", folder + "/data", "--output", "\(folder)/\(output)", "--steps", "\(steps)",
            "--batch-size", "8", "--checkpoint-every", "4", "--threads", "2", "--seed", "3",
        ] + (more.contains("--from") ? [] : sizes) + more
    }

    func train(_ role: String, to output: String, steps: Int, _ more: [String] = []) throws -> Program.Ended {
        try Program.run(Site.blip2, arguments(role, to: output, steps: steps, more))
    }

    func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)")) }

    /// An image without losses of its encoding.
    func image() throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/demo/images").sorted()
        return folder + "/demo/images/" + (try #require(names.first { $0.hasSuffix(".png") }))
    }

    /// Step and loss of each line of a run's log.
    func losses(_ output: String) throws -> [String] {
        struct Line: Decodable {
            let step: Int
            let loss: Double
        }
        return try contents(output + "/log.jsonl").split(separator: UInt8(ascii: "\n")).map { line in
            let line = try JSONDecoder().decode(Line.self, from: line)
            return "\(line.step): \(line.loss)"
        }
    }
}

@Suite("blip2 train", .serialized) struct TrainingTests {
    @Test(
        "killed at any moment and started again: the same losses, the same weights", arguments: ["clip", "captioner"])
    func resumption(role: String) throws {
        let site = try TrainingSite()
        let whole = try site.train(role, to: "whole", steps: 20)
        try #require(whole.status == 0, "\(whole.errors)")
        #expect(try site.losses("whole").count == 20)
        var random = SplitMix64(seed: 8)
        var kills = 0
        for _ in 0..<3 {
            let run = try Program(Site.blip2, site.arguments(role, to: "killed", steps: 20))
            let goal = (try? site.losses("killed").count) ?? 0
            _ = eventually { !run.isRunning || ((try? site.losses("killed").count) ?? 0) > goal + 2 }
            usleep(UInt32.random(in: 0...100_000, using: &random))
            kills += run.isRunning ? 1 : 0
            run.signal(SIGKILL)
            _ = run.wait()
        }
        #expect(kills > 0, "every run ended before it was killed")
        let resumed = try site.train(role, to: "killed", steps: 20)
        try #require(resumed.status == 0, "\(resumed.errors)")
        #expect(try site.losses("killed") == site.losses("whole"))
        #expect(try site.contents("killed/model.safetensors") == site.contents("whole/model.safetensors"))
    }

    @Test("SIGINT leaves a checkpoint, and the same command goes on from it")
    func interrupted() throws {
        let site = try TrainingSite()
        let run = try Program(
            Site.blip2, site.arguments("captioner", to: "run", steps: 400, ["--checkpoint-every", "1000"]))
        #expect(eventually { ((try? site.losses("run").count) ?? 0) > 3 || !run.isRunning })
        run.signal(SIGINT)
        #expect(run.wait().status == 130)
        let steps = try site.losses("run").count
        let checkpoints = try FileManager.default.contentsOfDirectory(atPath: site.folder + "/run/checkpoints")
        #expect(checkpoints.count == 1 && checkpoints[0].hasSuffix("\(steps)"), "\(checkpoints) after \(steps) steps")
    }

    @Test("a run goes on only with the options it was started with, and says which differ")
    func otherOptions() throws {
        let site = try TrainingSite()
        try #require(site.train("captioner", to: "run", steps: 4).status == 0)
        let other = try site.train("captioner", to: "run", steps: 4, ["--learning-rate", "0.5"])
        #expect(other.status == 65)
        #expect(other.errors.contains("other_options") && other.errors.contains("0.5"), "\(other.errors)")
        let wider = try site.train("captioner", to: "run", steps: 4, ["--vision-width", "64"])
        #expect(wider.status == 65 && wider.errors.contains("vision-width: 64, not 32"), "\(wider.errors)")
        let otherRole = try site.train("clip", to: "run", steps: 4)
        #expect(
            otherRole.status == 65 && otherRole.errors.contains("model: clip, not captioner"), "\(otherRole.errors)")
        let sized = try site.train(
            "captioner", to: "sized", steps: 4, ["--from", site.folder + "/run", "--image-size", "48"])
        #expect(sized.status == 64 && sized.errors.contains("--image-size: not with --from"), "\(sized.errors)")
        try FileManager.default.removeItem(atPath: site.folder + "/run/start/start.json")
        let older = try site.train("captioner", to: "run", steps: 4)
        #expect(older.status == 65 && older.errors.contains("other_version"), "\(older.errors)")
        let missing = try site.train("clip", to: "new", steps: 4, ["--from", "no/such/model"])
        #expect(missing.status == 65 && missing.errors.contains("no/such/model"), "\(missing.errors)")
    }

    @Test("a single step trains, with the learning rate that was asked for")
    func singleStep() throws {
        let site = try TrainingSite()
        let run = try site.train("captioner", to: "run", steps: 1, ["--learning-rate", "0.01"])
        try #require(run.status == 0, "\(run.errors)")
        #expect(try String(decoding: site.contents("run/log.jsonl"), as: UTF8.self).contains("\"learning_rate\":0.01,"))
        #expect(try site.contents("run/model.safetensors") != site.contents("run/start/model.safetensors"))
    }

    @Test("the loss falls, and transformers loads what was saved and agrees within 1e-4")
    func saved() throws {
        let site = try TrainingSite()
        for role in ["clip", "captioner"] {
            let trained = try site.train(
                role, to: role, steps: 60, ["--save-as", "float16", "--learning-rate", "0.003"])
            try #require(trained.status == 0, "\(trained.errors)")
            let losses = try site.losses(role).map { Double($0.split(separator: " ")[1]) ?? .infinity }
            let (first, last) = (losses.prefix(10).reduce(0, +), losses.suffix(10).reduce(0, +))
            #expect(last < 0.9 * first, "\(role): \(first / 10), then \(last / 10)")
            #expect(FileManager.default.fileExists(atPath: "\(site.folder)/\(role)/loss.svg"))
        }
        try withExtendedLifetime(site) {
            try expectAgreement(captioner: site.folder + "/captioner", ranker: site.folder + "/clip", site.image())
        }
    }
}

/// Compares what `blip2` and transformers make of two checkpoints and an image.
func expectAgreement(captioner: String, ranker: String, _ image: String) throws {
    let theirs = try Python.run(file: Project.root + "/Tests/EndToEndTests/trained.py", [captioner, ranker, image])
    struct Expected: Decodable {
        let tokens: [Int]
        let logprob: Double
        let captions: [String]
        let scores: [Double]
        let missing_keys: [String]  // swift-format-ignore: AlwaysUseLowerCamelCase
        let unexpected_keys: [String]  // swift-format-ignore: AlwaysUseLowerCamelCase
    }
    let expected = try JSONDecoder().decode(Expected.self, from: Data(theirs.utf8))
    #expect(expected.missing_keys.isEmpty && expected.unexpected_keys.isEmpty)
    struct Made: Decodable {
        struct Caption: Decodable {
            let tokens: [Int]?
            let logprob: Double?
            let score: Double?
        }
        let captions: [Caption]
    }
    let plain = ["--precision", "float32", "--json"]
    let captioned = try Program.run(Site.blip2, ["caption", image, "--model", captioner, "--greedy"] + plain)
    let caption = try #require(
        try JSONDecoder().decode(Made.self, from: Data(captioned.output.utf8)).captions.first)
    #expect(caption.tokens == expected.tokens)
    #expect(abs((caption.logprob ?? 0) - expected.logprob) < 1e-4 * Double(expected.tokens.count))
    let ranked = try Program.run(
        Site.blip2,
        ["rank", image, "--model", ranker] + plain + expected.captions.flatMap { ["--caption", $0] })
    let scores = try JSONDecoder().decode(Made.self, from: Data(ranked.output.utf8)).captions.compactMap(\.score)
    #expect(scores.count == 3)
    for (score, other) in zip(scores, expected.scores) { #expect(abs(score - other) < 1e-4) }
}
