import ArgumentParser
import Commands
import Foundation
import Manifests
import Reports
import TextMetrics

/// Scores captions against what people wrote.
struct EvalCaptioningCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "captioning",
        abstract: "Score captions against the captions that people wrote: BLEU, METEOR, ROUGE-L and CIDEr-D.",
        discussion: """
            Words and figures are those of the usual package (pycocoevalcap), without Java: Penn Treebank tokens in lower \
            case, marks left out. METEOR is computed with --meteor, by that package's own program, which needs Java; SPICE is not.

            REFERENCES are a file of COCO or NoCaps (annotations), one of Karpathy's splits of COCO or Flickr30K, a list of \
            LAVIS, or Flickr30K's token file; PREDICTIONS a list of image_id and caption. Flickr30K's images are named by \
            their file. Or --model writes the captions here, of the images of --data or --images, as LAVIS does: behind \
            "a photo of", by five beams, 8 to 30 new tokens. --shown none shows the model no image, --shown other another one.

            Every image with a reference is scored. A missing caption counts as an empty one, of several the first counts, \
            and captions of other images are left out; where there are any of these, the exit code is 1. CIDEr-D is not \
            defined for a single image: a word is rare or not among several.

            EXAMPLES:
              blip2 eval captioning --predictions captions.json --references captions_val2014.json
              blip2 eval captioning --model out/stage2 --images val2014 --references captions_val2014.json
            """)

    @Option(help: ArgumentHelp("The captions that a model wrote.", valueName: "file")) var predictions: String?
    @OptionGroup var model: WritingModelOptions
    @Option(help: ArgumentHelp("The captions that people wrote.", valueName: "file")) var references: String
    @Option(help: "Which of Karpathy's splits the references are.") var split = "test"
    @OptionGroup var meteor: MeteorOptions
    @Flag(help: "Write the result as JSON.") var json = false
    @OptionGroup var examples: ExamplesOptions
    @OptionGroup var logs: LogOptions

    /// Source: LAVIS `projects/blip2/eval/caption_coco_opt2.7b_eval.yaml`; length penalty as in `blip2_opt.py`.
    private static let defaults = WritingModelOptions.Defaults(
        prompts: (decoder: "a photo of", encoder: "a photo of"), lengthPenalty: 1, minNewTokens: 8, maxNewTokens: 30)

    func run() async throws {
        try requireDifferent(
            [("--output", model.output), ("--report", examples.report)],
            from: [("--references", references), ("--predictions", predictions)])
        let meteor = try meteor.program()
        let people = try asMetrics {
            () throws(MetricsError) in try CaptionReferences(expandingHome(references), split: split)
        }
        let made = try await model.predictions(
            predictions, .captions, form: .captions,
            asked: people.images.map { .init(id: $0.id, image: $0.id, file: $0.file, question: "") }, examples,
            Self.defaults)
        guard let captions = made else { return }  // the first process scores them
        var evaluation = CaptionEvaluation(people, captions)
        try await meteor?.score(people, captions, in: &evaluation)
        let files = people.images.compactMap { image in image.file.map { (image.id, $0) } }
        try examples.write(files: Dictionary(uniqueKeysWithValues: files)) { page(evaluation) }
        try printResult(json ? jsonLine(evaluation) : table(evaluation), terminator: json ? "\n" : "")
        try report(evaluation.tally, of: "image", model.name(predictions))
    }

    private func table(_ evaluation: CaptionEvaluation) -> String {
        let names = names(evaluation.scores)
        var table = ColumnTable([""] + names, right: Set(names))
        table.add([evaluation.byDomain.isEmpty ? "" : "all"] + figures(evaluation.scores))
        for (domain, scores) in evaluation.byDomain.sorted(by: { $0.key < $1.key }) {
            table.add([domain] + figures(scores))
        }
        let note = evaluation.scores.ciderD == nil ? "\nCIDEr-D is not defined for a single image.\n" : ""
        return tallyLine(evaluation.tally, of: "image") + model.note + "\n\n" + table.text() + note
    }

    private func page(_ evaluation: CaptionEvaluation) -> ExamplesPage {
        let ranked = evaluation.images.enumerated().sorted {
            ($1.element.ciderD, $0.offset) < ($0.element.ciderD, $1.offset)
        }
        func examples(_ images: some Sequence<CaptionEvaluation.Image>) -> [ExamplesPage.Example] {
            images.map { image in
                ExamplesPage.Example(
                    image: image.id, written: image.caption, references: image.references,
                    score: String(format: "CIDEr-D %.2f", image.ciderD))
            }
        }
        let best = ranked.prefix(ExamplesOptions.count).map(\.element)
        let worst = ranked.dropFirst(best.count).suffix(ExamplesOptions.count).reversed().map(\.element)
        return ExamplesPage(
            title: "Captions", kicker: tallyLine(evaluation.tally, of: "image"),
            figures: zip(names(evaluation.scores), figures(evaluation.scores)).map { (name: $0, value: $1) },
            sections: [
                .init(heading: "Most alike", note: "The highest CIDEr-D.", examples: examples(best)),
                .init(heading: "Least alike", note: "The lowest CIDEr-D.", examples: examples(worst)),
            ])
    }

    private func names(_ scores: CaptionScores) -> [String] {
        (1...4).map { "BLEU-\($0)" } + (scores.meteor == nil ? [] : ["METEOR"]) + ["ROUGE-L", "CIDEr-D"]
    }

    private func figures(_ scores: CaptionScores) -> [String] {
        (scores.bleu + (scores.meteor.map { [$0] } ?? []) + [scores.rougeL]).map { String(format: "%.2f", 100 * $0) }
            + [scores.ciderD.map { String(format: "%.2f", 100 * $0) } ?? "-"]
    }
}

/// What `body` gives; files that cannot be scored are bad input.
func asMetrics<Value>(_ body: () throws(MetricsError) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw CommandError(.badInput, "\(error)")
    }
}

/// How predictions match what was asked for, in one line.
func tallyLine(_ tally: Tally, of unit: String) -> String {
    let others = [
        ("answered", tally.answered), ("missing", tally.missing), ("doubled", tally.doubled),
        ("unexpected", tally.unexpected),
    ]
    return Figures.counted(tally.expected, unit) + " expected"
        + others.map { name, count in ", \(Figures.grouped(count)) \(name)" }.joined()
}

/// Ends the command with exit code 1 where predictions are missing, doubled or of other items, naming some of them.
func report(_ tally: Tally, of unit: String, _ path: String) throws {
    let parts = [
        ("without a prediction", tally.missing, tally.examples.missing),
        ("with several", tally.doubled, tally.examples.doubled),
        ("not among the references", tally.unexpected, tally.examples.unexpected),
    ]
    let faults = parts.filter { $0.1 > 0 }.map { what, count, examples in
        "\(Figures.counted(count, unit)) \(what) (\(examples.joined(separator: ", "))\(count > examples.count ? ", ..." : ""))"
    }
    guard !faults.isEmpty else { return }
    throw CommandError(.failedWork, "\(path): incomplete: \(faults.joined(separator: "; "))")
}
