import ArgumentParser
import Captioning
import Commands
import Evaluation
import Foundation
import Manifests
import ModelFolders
import Reports
import Storage
import Tensors
import TextMetrics

/// Evaluates how well a phase-1 model finds captions for images, and images for captions.
struct EvalRetrievalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieval",
        abstract: "Measure how well a BLIP-2 model of phase 1 finds captions for images, and images for captions.",
        discussion: """
            Prints recall at 1, 5 and 10 in both directions: by the similarity of image and caption (ITC) alone, and with \
            the best candidates of each ranked again by similarity plus the logit of matching (ITM). All captions of an \
            image are right answers, and so are equal captions of other images; of equal scores the wrong one comes first. \
            Samples of equal bytes are one image.

            Every pair is matched once. Held in memory are the vectors of all images and texts, and keys and values of as \
            many images as --hold allows; others are encoded a second time.

            The images are those of --data, or the files of --images with the captions of --references: a file of COCO, one \
            of Karpathy's splits of COCO or Flickr30K, a list of LAVIS, or Flickr30K's token file.

            EXAMPLES:
              blip2 eval retrieval --model out/stage1 --data out/held-out
              blip2 eval retrieval --model out/stage1 --images val2014 --references dataset_coco.json
            """)

    @Option(help: ArgumentHelp("A data set built by the pipeline; repeatable.", valueName: "dir")) var data: [String] =
        []
    @Option(
        help: """
            With --data, which captions of an image count: kept (all that were kept), best, or web (the one it came with). \
            (default: kept)
            """)
    var captions: CaptionChoice?
    @Option(
        help: ArgumentHelp(
            """
            A folder of image files, repeatable. An image's file is the one that the references name, or has its id as name, or \
            as the number at the end: COCO_val2014_000000000017.jpg is image 17.
            """, valueName: "dir"))
    var images: [String] = []
    @Option(help: ArgumentHelp("With --images, the captions that people wrote.", valueName: "file"))
    var references: String?
    @Option(help: "Which of Karpathy's splits the references are. (default: test)") var split: String?
    @Option(help: "Only so many images, the first ones.") var limit: Int?
    @Option(help: "Answers to each question that are ranked again with ITM.") var candidates = 128
    @Option(help: "Keys and values of images held in memory, in MiB.") var hold = 2048
    @OptionGroup var options: ModelOptions

    func validate() throws {
        guard data.isEmpty != images.isEmpty else { throw ValidationError("give either --data or --images") }
        guard data.isEmpty || references == nil else { throw ValidationError("--references: only with --images") }
        guard images.isEmpty || references != nil else { throw ValidationError("--images: give --references, too") }
        guard images.isEmpty || captions == nil else { throw ValidationError("--captions: only with --data") }
        guard references != nil || split == nil else { throw ValidationError("--split: only with --references") }
        guard limit ?? 1 > 0 else { throw ValidationError("--limit: want 1 or more") }
        guard candidates > 0 else { throw ValidationError("--candidates: want 1 or more, not \(candidates)") }
        guard (0...1 << 20).contains(hold) else { throw ValidationError("--hold: want 0 to 1048576 MiB, not \(hold)") }
    }

    func run() async throws {
        let shown = try shown()
        let engines = try options.engines()
        let model = try await asInput {
            try RetrievalModel(directory: options.directory(), precision: options.arithmetic(), on: engines.device)
        }
        var evaluation = RetrievalEvaluation(model, engines)
        (evaluation.limit, evaluation.candidates) = (limit, candidates)
        evaluation.batch = try options.use(images: limit ?? .max).batch
        evaluation.heldByteLimit = hold << 20
        let progress = PartProgress()
        defer { progress.finish() }
        do {
            let result = try await evaluation.run(on: shown) { part, done, total in
                progress.show(part.label, unit: part.unit, done: done, total: total)
            }
            progress.finish()
            try printResult(options.json ? jsonLine(result) : table(result), terminator: options.json ? "\n" : "")
        } catch let error as EvaluationError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    /// The images that are asked for, with their captions.
    private func shown() throws -> CaptionedImages {
        guard let references else {
            return .datasets(data.map { Dataset(at: expandingHome($0)) }, captions ?? .kept)
        }
        let people = try asMetrics { () throws(MetricsError) in
            try CaptionReferences(expandingHome(references), split: split ?? "test")
        }
        do {
            let folder = try ImageFolder(images.map(expandingHome))
            return .files(
                try folder.captioned(
                    people.images.prefix(limit ?? .max).map { (id: $0.id, file: $0.file, captions: $0.captions) }))
        } catch {
            throw CommandError(.badInput, "--images: \(error)")
        }
    }

    private func table(_ result: RetrievalResult) -> String {
        var table = ColumnTable(
            ["", "recall@1", "recall@5", "recall@10"], right: ["recall@1", "recall@5", "recall@10"])
        for (name, recalls) in [("ITC", result.contrastive), ("ITC + ITM", result.reranked)] {
            for (direction, recall) in [("image to text", recalls.imageToText), ("text to image", recalls.textToImage)]
            {
                table.add(
                    ["\(name), \(direction)"] + Recall.depths.map { String(format: "%.2f %%", 100 * recall.at($0)) })
            }
        }
        return "\(Figures.counted(result.images, "image")), \(Figures.counted(result.captions, "caption"));"
            + " \(Figures.counted(result.matchedPairs, "pair")) matched, \(result.candidates) candidates a question\n\n"
            + table.text()
    }
}

extension CaptionChoice: ExpressibleByArgument {}

extension RetrievalEvaluation.Part {
    fileprivate var label: String {
        switch self {
        case .images, .texts: "encoding"
        case .comparing: "comparing"
        case .matching: "matching"
        }
    }

    fileprivate var unit: String { self == .texts ? "texts" : "images" }
}
