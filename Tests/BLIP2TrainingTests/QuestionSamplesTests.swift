import BLIP2Models
import Foundation
import LanguageModels
import ModelFolders
import TestSupport
import Testing
import TextTokenizers

@testable import BLIP2Training
@testable import Loading

@Suite("What fine-tuning makes of questions and answers") struct QuestionSamplesTests {
    private static let goldens = Project.root + "/Tests/Goldens/"
    private let reading: String
    private let reader: InstructionReader
    private let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "question", "answer", ":", "what", "?"]

    init() throws {
        reading = try Project.temporaryFolder("reading")
        let folder = reading + "/" + InstructionReader.folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var configuration = try PhaseTwoConfiguration(
            json: Data(contentsOf: URL(fileURLWithPath: Self.goldens + "blip2/questions/config.json")))
        configuration.vision.qformer.positions = 8
        let others = (words.count..<configuration.vision.qformer.vocabulary - 1).map { "other\($0)" }
        try (words + others + ["[DEC]"]).joined(separator: "\n")
            .write(toFile: folder + "/vocab.txt", atomically: true, encoding: .utf8)
        reader = try InstructionReader(ModelDirectory(undescribed: reading), configuration)
    }

    private func samples(_ kind: String, _ options: PhaseTwoOptions) throws -> (QuestionSamples, any LanguageTokenizer)
    {
        defer { try? FileManager.default.removeItem(atPath: reading) }
        let isDecoder = kind == "opt"
        let tokenizer = try loadLanguageTokenizer(
            directory: Self.goldens + "tokenizers/" + (isDecoder ? "opt" : "t5-lists"))
        let language = try PhaseTwoConfiguration(
            json: Data(contentsOf: URL(fileURLWithPath: Self.goldens + "blip2/\(kind)/config.json"))
        ).language
        return (QuestionSamples(tokenizer, language, reader, options), tokenizer)
    }

    private let asked = [
        ShownQuestion("what?", [.init("a dog", share: 0.75), .init("cat", share: 0.25)]),
        ShownQuestion("what?", [.init("the horse", share: 1)], weight: 0.5),
    ]
    private let options = PhaseTwoOptions(prompt: "Question: {} Answer: ")

    @Test("a decoder is asked for the answers and their end alone; the prompt's last space is no token of its own")
    func decoder() throws {
        let (samples, opt) = try samples("opt", options)
        let texts = samples.texts(of: asked)
        let prompt = opt.frame.first + opt.pieces(of: "Question: what? Answer:")
        #expect(texts.samples.allSatisfy { $0.given == prompt && $0.target.askedCount == $0.target.tokens.count })
        #expect(
            texts.samples.map(\.target.tokens)
                == [" a dog", " cat", " the horse"].map { opt.pieces(of: $0) + [50] })  // the model's end token
        for (answer, sample) in zip(["a dog", "cat", "the horse"], texts.samples) {
            let joined = opt.frame.first + opt.pieces(of: "Question: what? Answer: " + answer)
            #expect(sample.given + sample.target.tokens == joined + [50])
        }
    }

    @Test("answers weigh their share and their set's weight; the loss is divided by the shares alone")
    func weights() throws {
        let (samples, _) = try samples("opt", options)
        let texts = samples.texts(of: asked)
        #expect(texts.samples.map(\.target.weight) == [0.75, 0.25, 0.5] && texts.images == [0, 0, 1])
        let counts = texts.samples.map { Double($0.targetCount) }
        #expect(texts.targets == 0.75 * counts[0] + 0.25 * counts[1] + counts[2])
        let part = texts.part(1..<2)
        #expect(part.images == [0] && part.samples == [texts.samples[2]] && part.instructions?.count == 1)
    }

    @Test("a model with an encoder reads the prompt and writes the answer")
    func encoder() throws {
        let (samples, t5) = try samples("t5", options)
        let sample = samples.texts(of: asked).samples[2]
        #expect(sample.given == t5.pieces(of: "Question: what? Answer:") + t5.frame.last)
        #expect(sample.target.tokens == t5.pieces(of: "the horse") + t5.frame.last)
    }

    @Test("the Q-Former reads the prompt, cut to its positions; of a long question the last words are left out")
    func longQuestion() throws {
        let (samples, opt) = try samples("opt", PhaseTwoOptions(textTokens: 60, prompt: "Question: {} Answer:"))
        let long = Array(repeating: "what", count: 40).joined(separator: " ")
        let texts = samples.texts(of: [ShownQuestion(long, [.init("a dog", share: 1)])])
        let id = { (word: String) in words.firstIndex(of: word) ?? -1 }
        let read = try #require(texts.instructions?.first)
        #expect(read.prefix(4) == [id("[CLS]"), id("question"), id(":"), id("what")] && read.last == id("[SEP]"))
        #expect(read.count == 8)
        let given = texts.samples[0].given
        #expect(given.count <= 60 && given.suffix(2) == opt.pieces(of: "what Answer:").suffix(2))
    }
}
