import BLIP2Models
import Concurrency
import Images
package import ModelFolders
package import Tensors
import VisionLanguage

/// Evaluates a phase-1 model's retrieval, on as many engines as there are.
///
/// Held in memory are every image's vectors in the joint space, every text's tokens and vector, the candidates of every
/// question, and keys and values of images up to a limit; images beyond it are encoded again when they are matched. Pixels
/// are held of the images at work only.
package struct RetrievalEvaluation: Sendable {
    /// What is under way: images and texts are encoded, compared, and the best pairs matched.
    package enum Part: String, Sendable, CaseIterable { case images, texts, comparing, matching }

    /// The images that are taken, the first ones; nil takes all.
    package var limit: Int?
    package var candidates = 128
    /// Images that an engine works on at once.
    package var batch = 1
    /// Bytes of keys and values that are kept from the first pass over the images for the second.
    package var heldByteLimit = 2 << 30
    private let model: RetrievalModel
    private let engines: EnginePool

    package init(_ model: RetrievalModel, _ engines: EnginePool) { (self.model, self.engines) = (model, engines) }

    /// Reads `images`, in their order, and evaluates.
    ///
    /// Samples of equal bytes are one image with the captions of all. `progress` is told how much of a part is done, of how
    /// much at most.
    package func run(
        on images: CaptionedImages, progress: (Part, _ done: Int, _ total: Int) -> Void
    ) async throws -> RetrievalResult {
        let first = try await encodeImages(images, progress)
        let set = RetrievalSet(captions: first.captions)
        let texts = try await encodeTexts(set.texts, progress)
        let ranking = try await compare(set, first.vectors, texts, progress)
        let pairs = ranking.pairs()
        let logits = try await match(images, set, pairs, first.held, progress)
        return try RetrievalResult(ranking, pairs, logits)
    }

    /// What the first pass over the images leaves.
    private struct FirstPass {
        /// Token ids of the captions of each image.
        var captions: [[[Int]]] = []
        /// Each image's query vectors, flat.
        var vectors: [[Float]] = []
        /// The first images' keys and values, block by block.
        var held: [SharedWeights<SeenByQueries>] = []
        var heldByteCount = 0
    }

    private func encodeImages(
        _ images: CaptionedImages, _ progress: (Part, Int, Int) -> Void
    ) async throws -> FirstPass {
        var (walk, pass) = (try ImageWalk(images, limit: limit), FirstPass())
        let total = min(walk.sampleCount, limit ?? .max)
        try await boundedMap({ try walk.next(batch) }, limit: 2 * engines.engineCount) { samples in
            try await engines.run {
                let squares = try samples.map { try square($0) }
                return try model.infer { parts in
                    let seen = try see(squares, parts)
                    let vectors = try parts.model.look(seen).vectors
                    let (values, width) = (try vectors.floats(), vectors.shape[1] * vectors.shape[2])
                    let own = stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
                    return (own, SharedWeights(seen), seen.byteCount)
                }
            }
        } emit: { (made: (vectors: [[Float]], seen: SharedWeights<SeenByQueries>, byteCount: Int)) in
            pass.vectors += made.vectors
            // Those that are held are the first ones: none is held behind one that is not.
            pass.heldByteCount += made.byteCount
            if pass.heldByteCount <= heldByteLimit { pass.held.append(made.seen) }
            progress(.images, pass.vectors.count, total)
        }
        pass.captions = walk.captions.map { $0.map(model.tokens) }
        guard !pass.captions.isEmpty else {
            throw EvaluationError(.empty, "", "no image has a caption")
        }
        return pass
    }

    private func encodeTexts(
        _ texts: [[Int]], _ progress: (Part, Int, Int) -> Void
    ) async throws -> SharedWeights<Tensor> {
        var (start, vectors): (Int, [Float]) = (0, [])
        var done = 0
        try await boundedMap(
            { () -> ArraySlice<[Int]>? in
                guard start < texts.count else { return nil }
                defer { start += 256 }
                return texts[start..<min(start + 256, texts.count)]
            }, limit: 2 * engines.engineCount
        ) { part in
            try await engines.run { try model.infer { parts in try parts.model.textVectors(Array(part)) } }
        } emit: { (made: [[Float]]) in
            done += made.count
            vectors += made.joined()
            progress(.texts, done, texts.count)
        }
        return try await engines.run { [vectors] in
            SharedWeights(
                try Tensor(vectors, shape: [texts.count, vectors.count / texts.count]).to(.float32, on: model.device))
        }
    }

    private func compare(
        _ set: RetrievalSet, _ vectors: [[Float]], _ texts: SharedWeights<Tensor>, _ progress: (Part, Int, Int) -> Void
    ) async throws -> RetrievalRanking {
        var (start, ranking) = (0, RetrievalRanking(set, candidates: candidates))
        try await boundedMap(
            { () -> ArraySlice<[Float]>? in
                guard start < vectors.count else { return nil }
                defer { start += 16 }
                return vectors[start..<min(start + 16, vectors.count)]
            }, limit: 2 * engines.engineCount
        ) { part in
            try await engines.run {
                try texts.infer { texts in
                    let joint = texts.shape[1]
                    let shape = [part.count, part[part.startIndex].count / joint, joint]
                    let images = try Tensor(part.flatMap(\.self), shape: shape).to(.float32, on: model.device)
                    return try similarities(images, texts)
                }
            }
        } emit: { (made: [Float]) in
            try ranking.add(made)
            progress(.comparing, ranking.imageCount, set.imageCount)
        }
        return ranking
    }

    /// The logits of `pairs`; the images come a second time, the `held` ones without being read.
    private func match(
        _ images: CaptionedImages, _ set: RetrievalSet, _ pairs: [[Int]], _ held: [SharedWeights<SeenByQueries>],
        _ progress: (Part, Int, Int) -> Void
    ) async throws -> [[Float]] {
        var walk = try ImageWalk(images, limit: limit)
        var (block, start, logits): (Int, Int, [[Float]]) = (0, 0, [])
        try await boundedMap(
            { () -> Block? in
                guard start < set.imageCount else { return nil }
                let images = start..<min(start + batch, set.imageCount)
                defer { (block, start) = (block + 1, images.upperBound) }
                if block < held.count { return Block(images: images, held: held[block], samples: []) }
                if walk.imageCount < start { try walk.skip(to: start) }
                return Block(images: images, held: nil, samples: try walk.next(images.count) ?? [])
            }, limit: 2 * engines.engineCount
        ) { block in
            try await engines.run {
                let squares = try block.samples.map { try square($0) }
                return try model.infer { parts in
                    func logits(_ seen: SeenByQueries) throws -> [[Float]] {
                        try block.images.enumerated().map { place, image in
                            try parts.model.matchLogits(seen.selecting([place]), pairs[image].map { set.texts[$0] })
                        }
                    }
                    if let held = block.held { return try held.infer(logits) }
                    return try logits(see(squares, parts))
                }
            }
        } emit: { (made: [[Float]]) in
            logits += made
            progress(.matching, logits.count, set.imageCount)
        }
        return logits
    }

    /// What the model sees of the image of `sample`.
    private func square(_ sample: EvaluationSample) throws(EvaluationError) -> [UInt8] {
        do throws(ImageError) {
            return model.view(try decode(sample.image, maxPixels: .max)).rgb
        } catch {
            throw EvaluationError(.image, sample.place, "\(sample.key): \(error)")
        }
    }

    /// Keys and values of the images `squares`.
    private func see(_ squares: [[UInt8]], _ parts: RetrievalModel.Parts) throws(TorchError) -> SeenByQueries {
        let pixels = try normalizedPixels(squares, side: model.view.side, model.normalization, on: model.device)
        return try parts.model.see(parts.encoder(pixels))
    }

    /// Images that are matched together.
    private struct Block: Sendable {
        let images: Range<Int>
        let held: SharedWeights<SeenByQueries>?
        let samples: [EvaluationSample]
    }
}
