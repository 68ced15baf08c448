import ArgumentParser
import BLIP2Models
import BLIP2Training
import Captioning
import Commands
import Files
import Foundation
import LanguageModels
import Loading
import ModelFolders
import Tensors
import Training

/// Times steps of phase 2 with random weights and samples; `scripts/bench stage2` runs it beside PyTorch.
struct StageTwoBenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-stage2", abstract: "Measure training steps of phase 2 on random samples.",
        shouldDisplay: false)

    @Option(help: ArgumentHelp("The folder for the random weights.", valueName: "dir")) var cache = ".cache/stage2"
    @Option(help: "The frozen language model, such as opt-125m or flan-t5-xl.")
    var languageModel = LanguageModelSize.opt125M
    @Flag(help: "Compute the language model's activations again in the backward pass.") var recompute = false
    @OptionGroup var timing: StepTiming
    @OptionGroup var logs: LogOptions

    func run() async throws {
        let (vision, precision) = (timing.vision, timing.arithmetic)
        let random = try RandomPhaseOne(vision, in: "\(cache)/\(timing.imageEncoder.rawValue)")
        let language = "\(cache)/\(languageModel.rawValue)"
        try RandomCheckpoint.writeLanguageModel(languageModel, to: language)
        let objective = try PhaseTwoObjective(
            start: ModelDirectory(start(random, language)),
            encoder: .frozen(ModelDirectory(random.encoder), precision),
            language: LanguagePart(ModelDirectory(language), precision),
            options: PhaseTwoOptions(microBatches: timing.microBatches, recomputes: recompute))
        let batch = random.batch(timing.batchSize)
        let lengths = batch.tokens.map { $0[0].count }
        let isDecoder = languageModel.configuration.isDecoder
        // On average a quarter of a caption is what an encoder is given: between one word and half of them.
        let work = PhaseTwoArithmetic(
            vision, languageModel.configuration, given: lengths.map { isDecoder ? 0 : $0 / 4 },
            asked: lengths.map { isDecoder ? $0 : $0 - $0 / 4 })
        try await timing.time(objective, batch, operations: work.step)
    }

    /// The folder of what is trained: the Q-Former of `random`, and a new map into the language model.
    private func start(_ random: RandomPhaseOne, _ language: String) throws -> String {
        let folder = "\(cache)/\(timing.imageEncoder.rawValue)-\(languageModel.rawValue)"
        guard !FileManager.default.fileExists(atPath: folder + "/config.json") else { return folder }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let json = try Data(contentsOf: URL(fileURLWithPath: language + "/config.json"))
        let configuration = try PhaseTwoConfiguration(
            random.configuration, languageJSON: json, imageToken: nil, hasOwnHead: nil)
        let tensors = try PhaseTwoStart(Checkpoint(directory: random.start), seed: 1).tensors(configuration)
        try writeWeights(PhaseOneLayout.hub.tensors(tensors), to: folder)
        try writeFile(configuration.json(), to: folder + "/config.json")  // last: with it all is there
        return folder
    }
}

extension LanguageModelSize: ExpressibleByArgument {}
