import Foundation
import TestSupport
import Testing

/// What `blip2 generate --json` prints of an image.
private struct Generated: Decodable, Equatable {
    struct Output: Decodable, Equatable {
        let text: String
        let tokens: [Int]
        let logprob: Double
    }
    let image: String
    let prompt: String
    let outputs: [Output]

    static func lines(of ended: Program.Ended) throws -> [Generated] {
        try ended.output.split(separator: "\n").map { try JSONDecoder().decode(Generated.self, from: Data($0.utf8)) }
    }
}

/// A random phase-2 model, and images.
private final class GenerationSite {
    let folder: String
    let images: [String]

    init(_ roles: [String]) throws {
        let folder = try Project.temporaryFolder("generation")
        self.folder = folder
        let demo = try Program.run(
            Site.pipeline,
            ["demo", "--output", folder + "/demo", "--count", "12", "--seed", "5", "--clean", "--no-serve"])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/demo/images").sorted()
        images = names.filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }.map { folder + "/demo/images/" + $0 }
        try #require(demo.status == 0, "\(demo.errors)")
        for role in roles {
            let made = try Program.run(Site.blip2, ["random-checkpoint", role, "--output", "\(folder)/\(role)"])
            try #require(made.status == 0, "\(made.errors)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func generate(_ images: [String], _ model: String, _ more: [String]) throws -> Program.Ended {
        try Program.run(
            Site.blip2, ["generate"] + images + ["--model", "\(folder)/\(model)", "--precision", "float32"] + more)
    }
}

@Suite("blip2 generate") struct GenerationTests {
    @Test("writes the same about an image alone and among others, whatever the threads", arguments: ["opt", "t5"])
    func batches(family: String) throws {
        let site = try GenerationSite(["phase2-" + family])
        let images = Array(site.images.prefix(4))
        for (search, count) in [
            (["--greedy"], 1), (["--beams", "3", "--count", "2", "--length-penalty", "-1"], 2),
            (["--top-p", "0.9", "--count", "3", "--seed", "4"], 3),
        ] {
            let more = search + ["--prompt", "a photo of", "--max-new-tokens", "9", "--json"]
            let all = try site.generate(images, "phase2-" + family, more + ["--threads", "2"])
            try #require(all.status == 0, "\(all.errors)")
            let lines = try Generated.lines(of: all)
            #expect(lines.map(\.image) == images && lines.allSatisfy { $0.prompt == "a photo of" })
            for (line, image) in zip(lines, images) {
                #expect(line.outputs.count == count)
                #expect(line.outputs.allSatisfy { (1...9).contains($0.tokens.count) && $0.logprob < 0 })
                let alone = try site.generate([image], "phase2-" + family, more + ["--threads", "1"])
                let outputs = try Generated.lines(of: alone)[0].outputs
                #expect(outputs.map(\.tokens) == line.outputs.map(\.tokens))
                for (one, other) in zip(outputs, line.outputs) { #expect(abs(one.logprob - other.logprob) < 1e-4) }
            }
            let plain = try site.generate([images[0]], "phase2-" + family, Array(more.dropLast()))
            #expect(plain.output == lines[0].outputs.map { $0.text + "\n" }.joined())
        }
    }

    @Test("reports a file that cannot be read, and goes on with the others")
    func unreadable() throws {
        let site = try GenerationSite(["phase2-opt"])
        let paths = [
            site.images[0], site.folder + "/none.png", site.folder + "/phase2-opt/config.json", site.images[1],
        ]
        let ended = try site.generate(paths, "phase2-opt", ["--greedy", "--json"])
        #expect(ended.status == 65, "\(ended.errors)")
        #expect(try Generated.lines(of: ended).map(\.image) == [site.images[0], site.images[1]])
        let lines = ended.errors.split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.hasPrefix("error: ") }, "\(ended.errors)")
        #expect(lines[0].contains("none.png") && lines[1].contains("config.json") && lines[2].contains("2 of 4 images"))
    }

    @Test("refuses options that contradict each other, and prompts that do not fit")
    func usage() throws {
        let site = try GenerationSite(["phase2-opt", "phase1"])
        let image = site.images[0]
        for (options, message) in [
            (["--greedy", "--beams", "3"], "--greedy and --beams contradict each other"),
            (["--greedy", "--top-p", "0.5"], "--greedy and --top-p contradict each other"),
            (["--top-p", "0.5", "--length-penalty", "1"], "--top-p and --length-penalty contradict each other"),
            (["--seed", "3"], "--seed: only with --top-p"), (["--count", "6"], "6 texts, but 5 beams"),
            (["--max-new-tokens", "0"], "--max-new-tokens"), (["--chat", "--count", "2"], "--chat and --count"),
            (["--min-new-tokens", "31"], "--min-new-tokens"), (["--chat", "--prompt", "what?"], "{}"),
            (["--chat", image], "--chat: give one image"),
        ] {
            let ended = try site.generate([image], "phase2-opt", options)
            #expect(ended.status == 64 && ended.errors.contains(message), "\(options): \(ended.errors)")
        }
        for (model, options, message) in [
            ("phase2-opt", ["--max-new-tokens", "128"], "room for 120"), ("phase1", [], "those of phase 1"),
        ] {
            let ended = try site.generate([image], model, options)
            #expect(ended.status == 65 && ended.errors.contains(message), "\(ended.errors)")
            #expect(ended.errors.split(separator: "\n").count == 1, "\(ended.errors)")
        }
    }

    @Test("a conversation keeps what was said in the prompt, and says when it has to forget")
    func chat() throws {
        let site = try GenerationSite(["phase2-opt"])
        func talk(_ questions: [String], _ more: String) throws -> Program.Ended {
            let lines = questions.map { "'\($0)'" }.joined(separator: " ")
            return try Program.run(
                "/bin/bash",
                [
                    "-c",
                    "printf '%s\\n' \(lines) | \(Site.blip2) generate \(site.images[0]) --model \(site.folder)/phase2-opt"
                        + " --precision float32 --chat --greedy --max-new-tokens 6 \(more)",
                ])
        }
        let ended = try talk(["what is red", "", "what is large"], "--json")
        try #require(ended.status == 0, "\(ended.errors)")
        let lines = try Generated.lines(of: ended)
        #expect(lines.count == 2)
        #expect(lines[0].prompt == "Question: what is red Answer:")
        let answer = try #require(lines[0].outputs.first?.text)
        #expect(lines[1].prompt == "Question: what is red Answer: \(answer). Question: what is large Answer:")
        // Each answer is that of its prompt by itself.
        let alone = try site.generate(
            [site.images[0]], "phase2-opt",
            ["--prompt", lines[1].prompt, "--greedy", "--max-new-tokens", "6", "--json"])
        #expect(try Generated.lines(of: alone)[0].outputs == lines[1].outputs)
        let plain = try talk(["what is red", "what is large"], "--prompt '{}?'")
        #expect(plain.status == 0 && plain.output.split(separator: "\n", omittingEmptySubsequences: false).count == 3)

        let long = try talk((0..<9).map { "what is the shape near the red circle \($0)" }, "--json")
        #expect(long.status == 0 && long.errors.contains("forgotten"), "\(long.errors)")
        #expect(try Generated.lines(of: long).count == 9)
        let words = [String](repeating: "red", count: 200).joined(separator: " ")
        let tooLong = try talk([words, "what is red"], "--json")
        #expect(tooLong.status == 0 && tooLong.errors.contains("the question is too long"), "\(tooLong.errors)")
        #expect(try Generated.lines(of: tooLong).map(\.prompt) == ["Question: what is red Answer:"])
    }

    @Test(
        "on a terminal the text that comes word by word is the text", arguments: ["--greedy", "--top-p 0.9 --seed 3"])
    func terminal(search: String) throws {
        let site = try GenerationSite(["phase2-opt"])
        let options = search.split(separator: " ").map(String.init) + ["--max-new-tokens", "20"]
        let plain = try site.generate([site.images[0]], "phase2-opt", options)
        try #require(plain.status == 0, "\(plain.errors)")
        let command =
            "\(Site.blip2) generate \(site.images[0]) --model \(site.folder)/phase2-opt --precision float32 "
            + options.joined(separator: " ")
        let shown = try Program.run("/usr/bin/script", ["-qec", command, "/dev/null"])
        #expect(shown.output.replacing("\r\n", with: "\n") == plain.output, "\(shown.output)")
        #expect(plain.output.count > 10)
    }
}

@Suite("Phase 2's models, here and in transformers", .serialized) struct InterchangeTests {
    private struct Peer: Decodable {
        struct Made: Decodable {
            let tokens: [Int]
            let text: String
        }
        let made: [Made]
        let missing: [String]
        let unexpected: [String]
    }

    private static let script = Project.root + "/Tests/EndToEndTests/generation.py"

    @Test("a model that was trained here is loaded there, and writes the same", arguments: ["opt", "t5"])
    func trained(family: String) throws {
        let site = try TrainingSite()
        try Python.run(file: Self.script, ["language", family, site.folder + "/language"])
        let common = """
            image_encoder: {model: \(Project.root)/Tests/Goldens/blip2/even, precision: float32}
            data: {sets: [{path: \(site.folder)/data}]}
            images: {crop: {sides: 0.8}, flip: false}
            training: {steps: 8, batch_size: 8, learning_rate: 0.003, precision: float32}
            threads: 2
            """
        for (stage, own) in [
            (
                1,
                """
                start: {from: scratch, tokenizer: \(Project.root)/models/demo-captioner}
                qformer: {queries: 4, layers: 2, width: 32, heads: 2, positions: 40, joint_width: 16}
                """
            ),
            (
                2,
                """
                start: {from: \(site.folder)/stage1}
                language_model: {model: \(site.folder)/language, precision: float32}
                """
            ),
        ] {
            let path = "\(site.folder)/stage\(stage).yaml"
            try "version: 1\nstage: \(stage)\n\(own)\n\(common)\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            let ended = try Program.run(
                Site.blip2,
                ["train", "stage\(stage)", "--config", path, "--output", "\(site.folder)/stage\(stage)"])
            try #require(ended.status == 0, "\(ended.errors)")
        }
        let (image, model) = (try site.image(), site.folder + "/stage2")
        let prompts = ["", "a photo of", "Question: what colour is the circle? Answer:"]
        let json = String(decoding: try JSONEncoder().encode(prompts), as: UTF8.self)
        let there = try Python.run(file: Self.script, ["generate", model, image, json])
        let peer = try JSONDecoder().decode(Peer.self, from: Data(there.utf8))
        #expect(peer.missing.isEmpty && peer.unexpected.isEmpty, "\(peer.missing) \(peer.unexpected)")
        var here: [Generated.Output] = []
        for prompt in prompts {
            for search in [["--greedy"], ["--beams", "5"]] {
                let ended = try Program.run(
                    Site.blip2,
                    ["generate", image, "--model", model, "--prompt", prompt, "--max-new-tokens", "8", "--json"]
                        + ["--precision", "float32"] + search)
                try #require(ended.status == 0, "\(ended.errors)")
                here += try Generated.lines(of: ended)[0].outputs
            }
        }
        #expect(here.map(\.tokens) == peer.made.map(\.tokens))
        #expect(here.map(\.text) == peer.made.map(\.text))
        #expect(Set(here.map(\.text)).count > 2, "\(here)")
    }
}
