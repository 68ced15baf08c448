import AsyncAlgorithms
import Concurrency
import Foundation
package import Images

/// The images and captions of one optimizer update.
package struct TrainingBatch: Sendable, Equatable {
    /// The number of the update, from 1.
    package let step: Int
    package let keys: [String]
    /// For each sample the square that the model sees: interleaved RGB, rows top to bottom, `side * side * 3` bytes.
    package let pixels: [[UInt8]]
    /// For each sample some of its kept captions; at least one.
    package let captions: [[String]]
    /// The same captions as the loader's `tokenize` gives them; empty where it has none.
    package let tokens: [[[Int]]]
}

/// Makes batches of a loader's samples: images are decoded on all cores while the trainer computes.
///
/// What is in a batch depends on the loader, the batch size and the step alone. Batches are always full: one that the
/// end of an epoch would cut off goes on with the next epoch.
package struct BatchLoader: Sendable {
    package let loader: ShardLoader
    package let batchSize: Int
    package let view: ImageView
    /// How many captions of an image are in a batch, where it has so many.
    package var captionsPerImage = 1
    /// The part of an image that is shown; nil shows the whole.
    package var crop: RandomCrop?
    /// What becomes of a caption for the model; it runs in the loader's own tasks.
    package var tokenize: (@Sendable (String) -> [Int])?
    /// How many batches are made ahead of the one that the trainer has; one more may wait complete.
    package var batchesAhead = 3
    /// How many images are decoded at once.
    package var decoders = ProcessInfo.processInfo.activeProcessorCount
    /// An image of more pixels is an error.
    package var maxPixels = 178_956_970

    package init(_ loader: ShardLoader, batchSize: Int, view: ImageView) {
        precondition(batchSize > 0, "a batch has at least one sample")
        self.loader = loader
        self.batchSize = batchSize
        self.view = view
    }

    /// Calls `body` with a function that gives the batches of the steps behind `completedSteps`, in order, without end.
    ///
    /// Nothing is read or decoded any more when this returns. Samples before a damaged one are all given first; then the
    /// function throws the `LoadingError` that names shard and key, and throws it again when it is asked again.
    package func withBatches<Value>(
        after completedSteps: Int, isolation: isolated (any Actor)? = #isolation,
        _ body: (_ next: () async throws -> TrainingBatch) async throws -> Value
    ) async throws -> Value {
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
        let samples = loader.samples(from: completedSteps * batchSize)
        var hasEnded = false
        var batch: [Prepared] = []
        var step = completedSteps
        try await boundedMap(
            { () -> Result<TrainingSample, LoadingError>? in
                guard !hasEnded else { return nil }
                let sample = Result { () throws(LoadingError) in try samples.next() }
                if case .failure = sample { hasEnded = true }
                return sample
            }, limit: batchesAhead * batchSize, running: decoders,
            transform: { sample in sample.flatMap(prepared) },
            emit: { sample in
                switch sample {
                case .failure(let error):
                    await channel.send(.failure(error))
                    throw error
                case .success(let sample): batch.append(sample)
                }
                guard batch.count == batchSize else { return }
                step += 1
                await channel.send(
                    .success(
                        TrainingBatch(
                            step: step, keys: batch.map(\.key), pixels: batch.map(\.pixels),
                            captions: batch.map(\.captions), tokens: batch.compactMap(\.tokens))))
                batch = []
                try Task.checkCancellation()
            })
    }

    private struct Prepared: Sendable {
        let key: String
        let pixels: [UInt8]
        let captions: [String]
        let tokens: [[Int]]?
    }

    private func prepared(_ sample: TrainingSample) -> Result<Prepared, LoadingError> {
        do throws(ImageError) {
            let whole = try decode(sample.image, maxPixels: maxPixels)
            let image = crop?(whole, key: sample.key, epoch: sample.epoch, seed: loader.order.seed) ?? whole
            let chosen = chosenCaptions(
                of: sample.captions.count, limit: captionsPerImage, key: sample.key, epoch: sample.epoch,
                seed: loader.order.seed)
            let captions = chosen.map { sample.captions[$0] }
            return .success(
                Prepared(
                    key: sample.key, pixels: view(image).rgb, captions: captions,
                    tokens: tokenize.map { captions.map($0) }))
        } catch {
            return .failure(LoadingError(.image, sample.shard, "\(sample.key): \(error)"))
        }
    }
}
