import Decoding
import Foundation
import LanguageModels
import Layers
import ModelFolders
import Tensors
import TestSupport
import Testing
import TextTokenizers
import Training

@testable import LanguageTraining

/// Small runs on made-up sentences.
private struct Run {
    let site: TextSite
    let family: NewLanguageModel.Family
    let lines: TextLines

    init(_ family: NewLanguageModel.Family) throws {
        site = try TextSite()
        let colours = ["red", "green", "blue"], things = ["circle", "square", "star", "ring"]
        let text = (0..<120).map { number in
            "the \(things[number % 4]) is \(colours[number / 4 % 3]), and \(number % 7) are there"
        }
        lines = try TextLines([site.file(text.joined(separator: "\n"))], seed: 3)
        self.family = family
        try NewLanguageModel(family, width: 32, layers: 2, heads: 2, positions: 64, vocabulary: 300).write(
            to: start, learning: lines, seed: 1)
    }

    var start: String { site.folder + "/start" }

    /// Trains in the folder `name`, and gives the losses in the log.
    func train(_ name: String, steps: Int) async throws -> [Double] {
        let options = TrainingOptions(
            objective: "lines", start: "start", data: lines.fingerprint, seed: 9, batchSize: 8,
            schedule: Schedule(peak: 0.003, floor: 0, warmUpSteps: 2, steps: steps), weightDecay: 0.05,
            gradientLimit: 1, precision: "float32", threads: 1)
        let folder = site.folder + "/" + name
        var run = TrainingRun(
            RunFolder(folder), try LanguageObjective(directory: start, longest: 48), options,
            TextBatches(lines, batchSize: 8), on: .cpu)
        run.checkpointInterval = 20
        try await run { _ in }
        struct Line: Decodable { let loss: Double }
        return try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8).split(separator: "\n")
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).loss }
    }
}

@Suite("A language model trained on text")
struct LanguageTrainingTests {
    @Test("learns, and goes on exactly where it was stopped", arguments: NewLanguageModel.Family.allCases)
    func resumption(family: NewLanguageModel.Family) async throws {
        let run = try Run(family)
        let whole = try await run.train("whole", steps: 60)
        #expect(whole.count == 60)
        let (first, last) = (whole.prefix(5).reduce(0, +), whole.suffix(5).reduce(0, +))
        #expect(last < 0.6 * first, "\(whole)")
        let trained = try weights(run)
        // What a run leaves that was killed behind step 40: a longer log than its last checkpoint, and no model.
        for name in ["checkpoints/step-00000060", "model.safetensors"] {
            try FileManager.default.removeItem(atPath: "\(run.site.folder)/whole/\(name)")
        }
        #expect(try await run.train("whole", steps: 60) == whole)
        #expect(try weights(run) == trained)
    }

    private func weights(_ run: Run) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: run.site.folder + "/whole/model.safetensors"))
    }

    @Test(
        "transformers loads what was trained, reads texts as the same tokens and writes the same ids",
        arguments: NewLanguageModel.Family.allCases)
    func transformers(family: NewLanguageModel.Family) async throws {
        let run = try Run(family)
        _ = try await run.train("model", steps: 40)
        let folder = run.site.folder + "/model"
        let texts = ["the star is", "the ring is blue, and", "", "  zwölf \u{1F600} Sterne", "the circle"]
        let script = Project.root + "/Tests/Support/language.py"
        let theirs = try Python.run(file: script, [folder] + texts)
        struct Expected: Decodable {
            let ids: [[Int]]
            let made: [[Int]]
            let faults: [String]
        }
        let expected = try JSONDecoder().decode(Expected.self, from: Data(theirs.utf8))
        #expect(expected.faults.isEmpty, "\(expected.faults)")

        let directory = try ModelDirectory(folder)
        let tokenizer = try directory.tokenizer(loadLanguageTokenizer(directory:))
        let configuration = try directory.configuration("config.json", LanguageModelConfiguration.init(json:))
        let model = try directory.load { checkpoint throws(WeightsError) in
            try configuration.model(Weights(checkpoint, DType.float32, on: .cpu))
        }
        let ids = texts.map { tokenizer.encode($0) }
        #expect(ids == expected.ids)
        #expect(try greedy(model, ids) == expected.made)
    }

    /// Ten greedy tokens behind each text, cut behind the end token.
    private func greedy(_ model: any LanguageModel, _ texts: [[Int]]) throws -> [[Int]] {
        func made(_ model: some LanguageModel, _ text: [Int]) throws -> [Int] {
            var (rows, logits) = try model.begin(model.embed([text]), room: 10)
            rows = try model.selecting([0], of: rows)
            var tokens: [Int] = []
            while tokens.count < 10, tokens.last != model.endToken {
                let values = try logits.floats()
                let token = values.indices.max { values[$0] < values[$1] } ?? 0
                tokens.append(token)
                if tokens.count < 10 { logits = try model.logits(after: [token], &rows) }
            }
            return tokens
        }
        return try texts.map { try made(model, $0) }
    }

    @Test("trains a head that a checkpoint holds twice as the one it is", arguments: NewLanguageModel.Family.allCases)
    func copiedHead(family: NewLanguageModel.Family) async throws {
        let run = try Run(family)
        let plain = try await run.train("plain", steps: 4)
        let table = family == .opt ? "model.decoder.embed_tokens.weight" : "shared.weight"
        let stored = try Checkpoint(directory: run.start)
        var tensors = Dictionary(uniqueKeysWithValues: try stored.names.map { ($0, try stored.tensor($0)) })
        tensors["lm_head.weight"] = tensors[table]
        try writeSafetensors(tensors, to: run.start + "/copy.safetensors")
        try FileManager.default.removeItem(atPath: run.start + "/model.safetensors")
        try FileManager.default.moveItem(
            atPath: run.start + "/copy.safetensors", toPath: run.start + "/model.safetensors")
        #expect(try await run.train("doubled", steps: 4) == plain)
        #expect(try !Checkpoint(directory: run.site.folder + "/doubled").names.contains("lm_head.weight"))
    }

    @Test("T5's split gives any number of first words, none among them; the end is asked for")
    func splits() throws {
        let run = try Run(.t5)
        let tokenizer = try loadLanguageTokenizer(directory: run.start)
        let samples = LineSamples(tokenizer, isDecoder: false, endToken: 1, limit: 48)
        let tokens = samples.tokens(of: "the star is red, and 3 are there")
        var counts: Set<Int> = []
        for key in UInt64(0)..<200 {
            let sample = samples.sample(tokens, key: key)
            #expect(sample.given.last == 1 && sample.target.tokens.last == 1)
            #expect(sample.given.dropLast() + sample.target.tokens.dropLast() == tokens)
            let text = tokenizer.decode(Array(sample.given.dropLast()), skipSpecialTokens: true)
            counts.insert(text.split(separator: " ").count)
            #expect("the star is red, and 3 are there".hasPrefix(text))
        }
        #expect(counts == Set(0...7))
        #expect(samples.tokens(of: String(repeating: "the ", count: 100)).count == 46)
    }

    @Test("OPT is asked for every token behind its start, the line feed and the end last; what is cut has no end")
    func lines() throws {
        let run = try Run(.opt)
        let tokenizer = try loadLanguageTokenizer(directory: run.start)
        let samples = LineSamples(tokenizer, isDecoder: true, endToken: 2, limit: 12)
        let feed = tokenizer.pieces(of: "\n")
        #expect(feed.count == 1)
        let sample = samples.sample(samples.tokens(of: "the star"), key: 1)
        #expect(sample.given == [2])
        #expect(sample.target == TargetText(tokenizer.pieces(of: "the star") + feed + [2]))
        let cut = samples.tokens(of: "the star is red, and 3 are there, and more of them")
        #expect(cut.count == 12 && cut.last != 2)
    }

    private static let tabbed = "the star is red, and\t 3 are\t there. the\t ring"

    /// The tokens that a tabbed line has without its tabs, with the two learned parts' places.
    private func tabbed(_ tokenizer: any LanguageTokenizer) -> (tokens: [Int], learned: [Range<Int>]) {
        let parts = Self.tabbed.split(separator: "\t").map(String.init)
        let lengths = (1...parts.count).map { tokenizer.pieces(of: parts[..<$0].joined()).count }
        return (tokenizer.pieces(of: parts.joined()), [lengths[0]..<lengths[1], lengths[2]..<lengths[3]])
    }

    @Test("of a line with tabs OPT is asked for every second part, which has the tokens of the whole line")
    func tabsOfOPT() throws {
        let run = try Run(.opt)
        let tokenizer = try loadLanguageTokenizer(directory: run.start)
        let samples = LineSamples(tokenizer, isDecoder: true, endToken: 2, limit: 60)
        let (tokens, learned) = tabbed(tokenizer)
        let all = tokens + tokenizer.pieces(of: "\n") + [2]
        let sample = samples.sample(samples.tokens(of: Self.tabbed), key: 1)
        #expect(sample.given == [2])
        let ranges = RangeSet([learned[0], learned[1].lowerBound..<all.count])
        #expect(sample.target == TargetText(all, asked: ranges))
        #expect(sample.target.askedCount == learned[0].count + learned[1].count + 2)
        // The end belongs to the last part, here one that is given.
        let given = samples.sample(samples.tokens(of: Self.tabbed + "\t"), key: 1)
        #expect(given.target == TargetText(all, asked: RangeSet(learned)))
        // What is left of a line that was cut is learned where no learned part is left.
        let short = LineSamples(tokenizer, isDecoder: true, endToken: 2, limit: learned[0].lowerBound)
        let cut = short.sample(short.tokens(of: Self.tabbed), key: 1)
        #expect(cut.target == TargetText(Array(tokens.prefix(learned[0].lowerBound - 1))))
    }

    @Test("of a line with tabs T5 is asked for one of the learned parts, behind all before it")
    func tabsOfT5() throws {
        let run = try Run(.t5)
        let tokenizer = try loadLanguageTokenizer(directory: run.start)
        let samples = LineSamples(tokenizer, isDecoder: false, endToken: 1, limit: 60)
        let (tokens, learned) = tabbed(tokenizer)
        let line = samples.tokens(of: Self.tabbed)
        var seen: Set<Range<Int>> = []
        for key in UInt64(0)..<50 {
            let sample = samples.sample(line, key: key)
            let first = sample.given.count - 1
            let part = first..<first + sample.target.tokens.count - 1
            #expect(sample == .init(given: tokens[..<first] + [1], target: TargetText(tokens[part] + [1])))
            seen.insert(part)
        }
        #expect(seen == Set(learned))
        #expect(samples.sample([LineSamples.tab], key: 1).target == TargetText([1]))
    }

    @Test("a vocabulary is learned from the text without its tabs", arguments: NewLanguageModel.Family.allCases)
    func vocabulary(family: NewLanguageModel.Family) throws {
        let site = try TextSite()
        let vocabularies = try ["plain", "tabbed"].map { name in
            let text = Array(repeating: Self.tabbed, count: 9).joined(separator: "\n")
            let file = try site.file(name == "plain" ? text.replacing("\t", with: "") : text)
            let folder = site.folder + "/" + name
            try NewLanguageModel(family, width: 32, layers: 1, heads: 2, positions: 64, vocabulary: 270).write(
                to: folder, learning: TextLines([file], seed: 3), seed: 1)
            return try Data(
                contentsOf: URL(fileURLWithPath: folder + (family == .opt ? "/vocab.json" : "/tokenizer.json")))
        }
        #expect(vocabularies[0] == vocabularies[1])
    }

    @Test("T5's relative positions begin large: a step hardly changes them")
    func relativePositions() throws {
        let run = try Run(.t5)
        let checkpoint = try Checkpoint(directory: run.start)
        for part in ["encoder", "decoder"] {
            let numbers = try checkpoint.tensor(
                "\(part).block.0.layer.0.SelfAttention.relative_attention_bias.weight"
            ).floats()
            let squares = numbers.map { $0 * $0 }.reduce(0, +) / Float(numbers.count)
            #expect((1.5...2.5).contains(squares.squareRoot()))
        }
    }

    @Test("says which option does not fit the model")
    func longest() throws {
        let run = try Run(.opt)
        let error = #expect(throws: ModelError.self) { try LanguageObjective(directory: run.start, longest: 65) }
        #expect(error?.code == .badOption && error?.message.contains("64 positions") == true)
    }
}
