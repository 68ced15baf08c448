import ArgumentParser
import Commands
import LanguageTraining
import Manifests
import Training

/// Trains a small language model, for the demonstration and for those who have no checkpoint.
struct TrainLanguageModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "language-model",
        abstract: "Train a language model of OPT's or T5's shape on text files, a text a line.",
        discussion: """
            OPT learns to write each line, its line feed and `</s>`, which ends it (causal language modelling). T5 reads the \
            first words of a line, as many as are drawn, and learns to write the others (prefix language modelling). The \
            finished model is a folder in the model hub's layout, for `blip2 train stage2` and for transformers.

            Tabs divide a line into parts that are given and parts that are learned, by turns: in \
            `what is red?<tab> a circle<tab>. what is blue?<tab> a star` the answers are learned, the questions are not. T5 \
            learns one of them each time, behind all that is before it.

            A new model's vocabulary is learned from the first million lines, in the order of training. OPT's has all bytes; \
            T5's has the characters of those lines, and others read <unk>. Lines of more than --text-length tokens are cut.

            EXAMPLES:
              blip2 train language-model --family opt --text lines.txt --output out/models/opt --steps 4000
              blip2 train language-model --text more.txt --output out/models/opt-2 --from out/models/opt --epochs 1
            """)

    @OptionGroup var size: LanguageSizeOptions
    @Option(help: ArgumentHelp("A text file, UTF-8, a text a line; repeatable.", valueName: "file"))
    var text: [String] = []
    @Option(help: "The most tokens of a text, those around it counted; of OPT from scratch also its positions.")
    var textLength = 128
    @OptionGroup var choices: TrainChoices

    func validate() throws {
        guard !text.isEmpty else { throw ValidationError("--text: want at least one file") }
        guard (8...8192).contains(textLength) else {
            throw ValidationError("--text-length: want 8 to 8192, not \(textLength)")
        }
    }

    func run() async throws {
        try await asTrainingInput {
            do {
                let lines = try TextLines(text.map { expandingHome($0) }, seed: choices.seed)
                let objective = try LanguageObjective(directory: startFolder(lines), longest: textLength)
                try await choices.train(
                    objective, named: "lines of at most \(textLength) tokens",
                    TrainData(
                        batches: TextBatches(lines, batchSize: choices.batchSize), fingerprint: lines.fingerprint,
                        sampleCount: lines.count))
            } catch let error as TextError {
                throw CommandError(.badInput, "\(error)")
            }
        }
    }

    /// The folder of the model that training starts from: that of `--from`, or a new one's under the output.
    private func startFolder(_ lines: TextLines) throws -> String {
        if let from = choices.from {
            guard let option = size.given.first else { return try requireModel(from) }
            throw ValidationError("--\(option): not with --from, whose model has its own sizes")
        }
        let model = try size.model(positions: textLength)
        var options = Dictionary(uniqueKeysWithValues: size.named.map { ($0.name, "\($0.value)") })
        options["model"] = model.family.rawValue
        options["text-length"] = "\(textLength)"
        options["seed"] = "\(choices.seed)"
        options["data"] = lines.fingerprint
        return try StartRecipe(options: options).folder(in: choices.output) { partial in
            try model.write(to: partial, learning: lines, seed: choices.seed)
        }
    }
}

/// The sizes of a language model that is trained from scratch.
struct LanguageSizeOptions: ParsableArguments {
    @Option(help: "From scratch: opt or t5.") var family: NewLanguageModel.Family?
    @Option(help: "From scratch: width of the model. (default: 128)") var width: Int?
    @Option(help: "From scratch: layers, of t5 in the encoder and in the decoder. (default: 3)") var layers: Int?
    @Option(help: "From scratch: maximum size of the vocabulary learned from the texts. (default: 1000)")
    var vocabulary: Int?

    /// The sizes by the names of their options, defaults among them.
    var named: [(name: String, value: Int)] {
        [("width", width ?? 128), ("layers", layers ?? 3), ("vocabulary", vocabulary ?? 1000)]
    }

    /// The names of the options that were given.
    var given: [String] {
        (family == nil ? [] : ["family"])
            + zip(named, [width, layers, vocabulary]).compactMap { $1 == nil ? nil : $0.name }
    }

    func validate() throws {
        for (name, value) in named {
            guard value >= 1 else { throw ValidationError("--\(name): want at least 1, not \(value)") }
        }
        guard named[0].value % 32 == 0 else {
            throw ValidationError("--width: want a multiple of 32, not \(named[0].value)")
        }
    }

    /// The model to train from scratch, with heads that are 32 wide.
    func model(positions: Int) throws -> NewLanguageModel {
        guard let family else {
            throw ValidationError("--family: want opt or t5, or a model to go on from with --from")
        }
        let least = NewLanguageModel.leastVocabulary(family)
        guard named[2].value >= least else {
            throw ValidationError("--vocabulary: want at least \(least), not \(named[2].value)")
        }
        return NewLanguageModel(
            family, width: named[0].value, layers: named[1].value, heads: named[0].value / 32, positions: positions,
            vocabulary: named[2].value)
    }
}

extension NewLanguageModel.Family: ExpressibleByArgument {}
