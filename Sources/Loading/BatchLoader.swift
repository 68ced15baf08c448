import AsyncAlgorithms
import Concurrency
import Foundation
package import Images

/// Makes batches of a loader's samples: images are decoded on all cores while the trainer computes.
///
/// What is in a batch depends on the loader, the batch size and the step alone: a sample's captions and its part of the image
/// are drawn from the seed and its position. However many processes, threads or decoders there are, they see the same samples
/// in the same batches; each process makes its own part of a batch, and reads past the others'. Batches are always full.
public struct BatchLoader: Sendable {
    /// Which of a sample's captions may be shown.
    public enum CaptionChoice: Sendable, Hashable {
        /// Any of the kept ones, drawn anew each time.
        case kept
        /// The best of the kept ones.
        case best
        /// The one that came with the image; a sample without one counts as damaged.
        case web
    }

    /// Where the samples come from.
    public let loader: ShardLoader
    /// How many samples a batch has, those of all processes together.
    public let batchSize: Int
    /// What is done to images whose set says nothing else.
    public var transform: ImageTransform
    /// The process that the batches are for.
    public var process = ProcessRank()
    /// Which captions may be shown.
    public var captionChoice = CaptionChoice.kept
    /// How many of an image's kept captions are in a batch, where it has so many.
    public var captionsPerImage = 1
    /// What is done to a caption before it is shown and tokenized.
    public var clean: (@Sendable (String) -> String)?
    /// What is asked about an image, by the number of its set, its key, and the pass over the set; its answers are then shown
    /// in place of captions.
    package var ask: (@Sendable (_ set: Int, _ key: String, _ pass: Int) -> ShownQuestion)?
    /// What becomes of a caption for the model; it runs in the loader's own tasks.
    public var tokenize: (@Sendable (String) -> [Int])?
    /// How many batches are made ahead of the one that the trainer has; one more may wait complete.
    public var batchesAhead = 3
    /// How many images are decoded at once.
    public var decoders = ProcessInfo.processInfo.activeProcessorCount
    /// An image of more pixels counts as damaged.
    public var maxPixels = 178_956_970
    /// How many damaged samples this process replaces by others; one more is an error.
    public var damageLimit = 100

    /// Batches of `batchSize` samples of `loader`, their images as `transform` makes them.
    public init(_ loader: ShardLoader, batchSize: Int, transform: ImageTransform) {
        precondition(batchSize > 0, "a batch has at least one sample")
        if case .batches(let size) = loader.order.mixing {
            precondition(size == batchSize, "the loader mixes batches of \(size) samples, not of \(batchSize)")
        }
        let sides = loader.sets.compactMap { $0.transform?.side }
        precondition(sides.allSatisfy { $0 == transform.side }, "the images of a batch have one size: \(sides)")
        self.loader = loader
        self.batchSize = batchSize
        self.transform = transform
    }

    /// Batches of `batchSize` samples of `loader`, their images as a model that sees `view` sees them.
    package init(_ loader: ShardLoader, batchSize: Int, view: ImageView) {
        self.init(loader, batchSize: batchSize, transform: ImageTransform(view))
    }

    /// Calls `body` with a function that gives the batches of the steps behind `completedSteps`, in order, without end.
    ///
    /// Nothing is read or decoded any more when this returns. A sample that is damaged is replaced by the one that has its number
    /// in the next batch, and named in its batch; batches before one that cannot be made are all given first. Then the function
    /// throws the `LoadingError` that names the shard, and throws it again when it is asked again.
    public func withBatches<Value>(
        after completedSteps: Int, isolation: isolated (any Actor)? = #isolation,
        _ body: (_ next: () async throws -> TrainingBatch) async throws -> Value
    ) async throws -> Value {
        precondition(process.count <= batchSize, "fewer samples in a batch than processes")
        let channel = AsyncChannel<Result<TrainingBatch, LoadingError>>()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fill(channel, after: completedSteps) }
            defer { group.cancelAll() }
            var fault: LoadingError?
            return try await body {
                if let fault { throw fault }
                var batches = channel.makeAsyncIterator()
                switch await batches.next() {
                case .success(let batch): return batch
                case .failure(let error):
                    fault = error
                    throw error
                case nil: throw CancellationError()
                }
            }
        }
    }

    /// Sends batches, and the fault that ends them, in order.
    private func fill(
        _ channel: AsyncChannel<Result<TrainingBatch, LoadingError>>, after completedSteps: Int
    ) async throws {
        defer { channel.finish() }
        let numbers = process.numbers(in: batchSize)
        let samples = loader.samples(from: completedSteps * batchSize)
        let preparation = SamplePreparation(self)
        var (hasEnded, number, step) = (false, 0, completedSteps)
        var batch: [PreparedSample] = []
        try await boundedMap(
            { () -> Result<RawSample, LoadingError>? in
                guard !hasEnded else { return nil }
                let sample = Result { () throws(LoadingError) -> RawSample in
                    while true {
                        let sample = try samples.nextRaw()
                        defer { number = (number + 1) % batchSize }
                        if numbers.contains(number) { return sample }
                    }
                }
                if case .failure = sample { hasEnded = true }
                return sample
            }, limit: batchesAhead * numbers.count, running: decoders,
            transform: { sample in sample.flatMap(preparation.prepared) },
            emit: { sample in
                switch sample {
                case .failure(let error):
                    await channel.send(.failure(error))
                    throw error
                case .success(let sample): batch.append(sample)
                }
                guard batch.count == numbers.count else { return }
                step += 1
                await channel.send(.success(TrainingBatch(step: step, numbers: numbers, batch)))
                batch = []
                try Task.checkCancellation()
            })
    }
}

extension TrainingBatch {
    fileprivate init(step: Int, numbers: Range<Int>, _ samples: [PreparedSample]) {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(samples.reduce(0) { $0 + $1.pixels.count })
        for sample in samples { pixels += sample.pixels }
        self.init(
            step: step, numbers: numbers, keys: samples.map(\.key), digests: samples.map(\.digest), pixels: pixels,
            captions: samples.map(\.captions), tokens: samples.compactMap(\.tokens),
            questions: samples.compactMap(\.question), damaged: samples.flatMap(\.damaged))
    }
}
