import BLIP2Models
import Concurrency
import Decoding
import Images
package import LanguageModels
package import ModelFolders
package import Tensors
import VisionLanguage

/// Lets a phase-2 model write a text behind each of many prompts about images.
///
/// Images are read once, in their own order; at work are a few of them. On a processor every image is computed alone, with all
/// its prompts, so that texts are the same bits whatever else is asked for.
package struct TextEvaluation: Sendable {
    /// What stands before a prompt.
    package enum Shown: String, Sendable, CaseIterable {
        /// What the model sees of the prompt's image.
        case own
        /// What it sees of the image before that one, of the first image the second: a model that looks at another image.
        case other
        /// Nothing: a model that does not see.
        case none
    }

    /// A prompt about an image.
    package struct Item: Sendable {
        package let id: String
        package let image: String
        package let prompt: String

        package init(id: String, image: String, prompt: String) {
            (self.id, self.image, self.prompt) = (id, image, prompt)
        }
    }

    /// One of several equal parts of the batches, which are divided in turn.
    ///
    /// The batches themselves do not depend on how many parts there are: nor do the texts.
    package struct Share: Sendable {
        /// All batches.
        package static let all = Share(0, of: 1)

        let index: Int
        let count: Int

        /// Part `index`, from 0, of `count`.
        package init(_ index: Int, of count: Int) {
            precondition((0..<count).contains(index), "parts are numbered from 0")
            (self.index, self.count) = (index, count)
        }
    }

    package var options: GenerationOptions
    package var shown = Shown.own
    /// Images that an engine works on at once.
    package var batch = 1
    /// The part of the batches that this process works on.
    package var share = Share.all
    private let model: GenerationModel
    private let engines: EnginePool

    package init(_ model: GenerationModel, _ engines: EnginePool, _ options: GenerationOptions) {
        (self.model, self.engines, self.options) = (model, engines, options)
    }

    /// The texts of `items`, or of this process's share, by their ids; items whose image is not among `images` have none.
    ///
    /// `progress` is told how many items are done, of how many; those of others count as done with their neighbours.
    package func run(
        _ items: [Item], about images: some AskedImages, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> [String: String] {
        var batches = Batches(items, ShownImages(images, shown), batch)
        var texts: [String: String] = [:]
        try await boundedMap({ try batches.next(of: share) }, limit: 2 * engines.engineCount) { batch in
            let made = try await engines.run { try written(batch.works) }
            return (texts: zip(batch.works.flatMap(\.items).map(\.id), made).map { ($0, $1) }, end: batch.end)
        } emit: { (made: (texts: [(String, String)], end: Int)) in
            for (id, text) in made.texts { texts[id] = text }
            progress(made.end, items.count)
        }
        return texts
    }

    /// The prompts about an image, and the image that the model sees; nil where it sees none.
    fileprivate struct Work: Sendable {
        let items: [Item]
        let view: AskedImage?
    }

    private func written(_ works: [Work]) throws -> [String] {
        let prompts = try works.flatMap(\.items).map { try model.tokens(of: $0.prompt) }
        for prompt in prompts { try model.requireRoom(prompt: prompt.count, newTokens: options.maxNewTokens) }
        let squares = try works.compactMap(\.view).map { try square($0) }
        let rows = works.enumerated().flatMap { [Int](repeating: $0, count: $1.items.count) }
        let streams = [[RandomStream]](repeating: [RandomStream(key: 0)], count: rows.count)
        return try model.infer { parts in
            let queries =
                squares.isEmpty
                ? try Tensor([Float](), shape: [rows.count, 0, parts.language.embeddingWidth]).to(
                    .float32, on: model.device)
                : try described(squares, rows, prompts, parts)
            return try parts.generate(queries, prompts: prompts, streams: streams, options).map { $0[0].text }
        }
    }

    /// What the language model is given of the images `squares`, each for the rows that ask about it, `[rows, Q, L]`.
    private func described(
        _ squares: [[UInt8]], _ rows: [Int], _ prompts: [[Int]], _ parts: GenerationModel.Parts
    ) throws(TorchError) -> Tensor {
        let pixels = try normalizedPixels(squares, side: model.view.side, model.normalization, on: model.device)
        let places = try Tensor(rows, shape: [rows.count]).to(.int64, on: model.device)
        let states = try parts.encoder(pixels).selecting(0, places)
        let instructions = prompts.compactMap { model.instruction(of: $0) }
        return try parts.queries.describe(states, instructions: instructions.isEmpty ? nil : instructions)
    }

    /// What the model sees of `image`.
    private func square(_ image: AskedImage) throws(EvaluationError) -> [UInt8] {
        do throws(ImageError) {
            return model.view(try decode(image.bytes, maxPixels: .max)).rgb
        } catch {
            throw EvaluationError(.image, image.place, "\(error): remove or replace it")
        }
    }
}

/// The images that are asked about, in batches, with what is asked.
private struct Batches<Images: AskedImages> {
    private var asked: [String: [TextEvaluation.Item]]
    private var walk: ShownImages<Images>
    private let size: Int
    private var number = 0
    /// How many items are in the batches so far.
    private var end = 0

    init(_ items: [TextEvaluation.Item], _ walk: ShownImages<Images>, _ size: Int) {
        asked = Dictionary(grouping: items, by: \.image)
        (self.walk, self.size) = (walk, size)
    }

    /// The next batch of `share`, and how many items are in the batches up to it; nil behind the last.
    mutating func next(
        of share: TextEvaluation.Share
    ) throws(EvaluationError) -> (works: [TextEvaluation.Work], end: Int)? {
        while let works = try next() {
            let isOwn = number % share.count == share.index
            number += 1
            end += works.reduce(0) { $0 + $1.items.count }
            if isOwn { return (works, end) }
        }
        return nil
    }

    private mutating func next() throws(EvaluationError) -> [TextEvaluation.Work]? {
        var works: [TextEvaluation.Work] = []
        while works.count < size, let (image, view) = try walk.next() {
            guard let id = image.ids.first(where: { asked[$0] != nil }), let items = asked.removeValue(forKey: id)
            else {
                continue
            }
            works.append(TextEvaluation.Work(items: items, view: view))
        }
        return works.isEmpty ? nil : works
    }
}

/// Images, each with the one that a model sees in its place.
private struct ShownImages<Images: AskedImages> {
    private var images: Images
    private let shown: TextEvaluation.Shown
    /// The image before the next one.
    private var last: AskedImage?
    /// Images that were read ahead.
    private var waiting: [AskedImage] = []

    init(_ images: Images, _ shown: TextEvaluation.Shown) { (self.images, self.shown) = (images, shown) }

    mutating func next() throws(EvaluationError) -> (image: AskedImage, view: AskedImage?)? {
        guard let image = try taken() else { return nil }
        switch shown {
        case .own: return (image, image)
        case .none: return (image, nil)
        case .other:
            defer { last = image }
            if let last { return (image, last) }
            let second = try images.next()
            if let second { waiting.append(second) }
            return (image, second)
        }
    }

    private mutating func taken() throws(EvaluationError) -> AskedImage? {
        if let image = waiting.popLast() { return image }
        return try images.next()
    }
}
