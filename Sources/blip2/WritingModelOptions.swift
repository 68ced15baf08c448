import ArgumentParser
import Commands
import Evaluation
import Foundation
import Manifests
import TextMetrics

/// A phase-2 model that writes what is then scored, and the images that it sees.
struct WritingModelOptions: ParsableArguments {
    @Option(
        help:
            "A BLIP-2 model with a language model, instead of --predictions: a folder in the model hub's layout, or an id."
    )
    var model: String?
    @Option(
        help: ArgumentHelp(
            """
            A data set built by the pipeline, with the images; repeatable. An image goes by its source_id, or its key. Or give \
            --images.
            """,
            valueName: "dir"))
    var data: [String] = []
    @Option(
        help: """
            What the model is shown: own, other (another image) or none. Beside own they say how much of a result \
            the image makes. (default: own)
            """)
    var shown: TextEvaluation.Shown?
    @Option(help: "What stands before the text that is written; {} is the question.") var prompt: String?
    @Option(help: "Beams; 1 takes the most likely token at each step. (default: 5)") var beams: Int?
    @Option(help: "Beam scores are divided by the length to this power; below 0 favors short texts.")
    var lengthPenalty: Double?
    @Option(help: "The fewest tokens of a text.") var minNewTokens: Int?
    @Option(help: "The most tokens of a text, its end counted.") var maxNewTokens: Int?
    @Option(help: ArgumentHelp("Also write what the model wrote, in the form of --predictions.", valueName: "file"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            """
            Processes that divide the images; that many are started on this machine. Those of torchrun or of a Slurm step are \
            taken without it.
            """, valueName: "n"))
    var processes: Int?
    @OptionGroup var machine: MachineOptions

    /// How texts are written unless options say otherwise.
    struct Defaults {
        /// For a language model without an encoder, and for one with an encoder.
        let prompts: (decoder: String, encoder: String)
        let lengthPenalty: Double
        let minNewTokens: Int
        let maxNewTokens: Int
    }

    func validate() throws {
        guard model != nil else {
            let given: [(String, Bool)] = [
                ("--data", !data.isEmpty), ("--shown", shown != nil), ("--prompt", prompt != nil),
                ("--beams", beams != nil), ("--length-penalty", lengthPenalty != nil),
                ("--min-new-tokens", minNewTokens != nil), ("--max-new-tokens", maxNewTokens != nil),
                ("--output", output != nil), ("--processes", processes != nil),
            ]
            for (name, isGiven) in given where isGiven { throw ValidationError("\(name): only with --model") }
            return
        }
        if let beams, beams < 1 { throw ValidationError("--beams: want at least 1, not \(beams)") }
        guard beams != 1 || lengthPenalty == nil else {
            throw ValidationError("--length-penalty: only with more than one of --beams")
        }
        guard maxNewTokens ?? 1 >= 1 else { throw ValidationError("--max-new-tokens: want at least 1") }
        guard minNewTokens ?? 0 >= 0 else { throw ValidationError("--min-new-tokens: want 0 or more") }
    }

    /// What was read from `predictions`, or what the model writes about `asked`.
    ///
    /// Items that the model wrote nothing about, because there is no such image, are missing. Nil in a process that has no more
    /// to do, as all but the first. `examples` says where image files are.
    func predictions(
        _ predictions: String?, _ kind: Predictions.Kind, form: Predictions.Form, asked: [Asked],
        _ examples: ExamplesOptions, _ defaults: Defaults
    ) async throws -> Predictions? {
        try examples.check()
        guard let model else {
            guard let predictions else { throw ValidationError("want --predictions or --model") }
            guard examples.images.isEmpty || examples.report != nil else {
                throw ValidationError("--images: give --model or --report, too")
            }
            return try asMetrics { () throws(MetricsError) in try Predictions(expandingHome(predictions), kind) }
        }
        guard predictions == nil else { throw ValidationError("--predictions: not with --model, which writes them") }
        guard !data.isEmpty || !examples.images.isEmpty else {
            throw ValidationError("--model: give at least one --data or --images, too")
        }
        guard data.isEmpty || examples.images.isEmpty || examples.report != nil else {
            throw ValidationError(
                "--images: the images are those of --data; leave out one of the two, or give --report")
        }
        if let output { try requireFolder(of: expandingHome(output), option: "--output") }
        let writing = WritingRun(
            options: self, examples: examples, directory: try requireModel(model), asked: asked, defaults: defaults)
        guard let texts = try await writing.texts() else { return nil }
        let made = Predictions(asked.compactMap { item in texts[item.id].map { (id: item.id, text: $0) } })
        if let output {
            do {
                try made.write(asked.map(\.id), as: form, to: expandingHome(output))
            } catch {
                throw CommandError(.badInput, "\(error)")
            }
        }
        return made
    }

    /// Something that the model is asked about an image.
    struct Asked {
        let id: String
        let image: String
        /// The name of the image's file, where it is known.
        var file: String?
        /// Empty where there is none.
        let question: String
    }

    /// What to call the predictions in messages.
    func name(_ predictions: String?) -> String { predictions ?? model ?? "" }

    /// What a model was shown, for JSON; nil where none was asked.
    var shownName: String? { model == nil ? nil : (shown ?? .own).rawValue }

    /// What a model was shown, in words, where it was not its own image.
    var note: String {
        switch shown ?? .own {
        case .own: ""
        case .other: "\nshown: another image"
        case .none: "\nshown: no image"
        }
    }
}

extension TextEvaluation.Shown: ExpressibleByArgument {}
