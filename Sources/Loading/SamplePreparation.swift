import Images
import Locks
import Samples

/// A sample as a batch holds it.
struct PreparedSample: Sendable {
    let key: String
    let digest: ContentDigest
    let pixels: [UInt8]
    let captions: [String]
    let tokens: [[Int]]?
    let question: ShownQuestion?
    /// The samples that should have been here.
    var damaged: [DamagedSample] = []
}

/// Decodes images and chooses captions, as a batch loader says; several samples at once.
final class SamplePreparation: Sendable {
    private let batches: BatchLoader
    private let damageCount = Locked(0)

    init(_ batches: BatchLoader) { self.batches = batches }

    /// `sample`, ready for its batch; or, where it is damaged, the first whole one of those that have its number in the
    /// batches behind.
    ///
    /// So what stands in does not depend on how the batch is divided among processes.
    func prepared(_ sample: RawSample) -> Result<PreparedSample, LoadingError> {
        var candidate = sample
        var damaged: [DamagedSample] = []
        while true {
            do throws(LoadingError) {
                var prepared = try prepare(candidate, at: sample.position)
                prepared.damaged = damaged
                return .success(prepared)
            } catch {
                guard error.isOfSample else { return .failure(error) }
                damaged.append(DamagedSample(key: candidate.key, position: candidate.position, error: error))
            }
            do throws(LoadingError) {
                try countDamage(damaged[damaged.count - 1].error)
                candidate = try batches.loader.sample(
                    at: sample.position + damaged.count * batches.batchSize)
            } catch {
                return .failure(error)
            }
        }
    }

    private func countDamage(_ error: LoadingError) throws(LoadingError) {
        let count = damageCount.withLock { count in
            count += 1
            return count
        }
        guard count > batches.damageLimit else { return }
        throw LoadingError(
            .tooManyDamaged, error.path,
            "\(error.detail); \(count) damaged samples since the start, \(batches.damageLimit) are allowed")
    }

    /// What the sample `raw` gives at `position`.
    private func prepare(_ raw: RawSample, at position: Int) throws(LoadingError) -> PreparedSample {
        let sample = try raw.content()
        let transform = batches.loader.sets[sample.set].transform ?? batches.transform
        let pixels: [UInt8]
        do throws(ImageError) {
            pixels = try transform(
                sample.image, position: position, seed: batches.loader.order.seed, maxPixels: batches.maxPixels)
        } catch {
            let code: LoadingError.Code = error.code == .outOfMemory ? .unreadable : .image
            throw LoadingError(code, sample.shard, "\(sample.key): \(error)")
        }
        let question = batches.ask.map { $0(sample.set, sample.key, sample.pass) }
        let captions =
            if let question { question.answers.map(\.text) } else { try captions(of: sample, at: position) }
        return PreparedSample(
            key: sample.key, digest: sample.digest, pixels: pixels, captions: captions,
            tokens: batches.tokenize.map { captions.map($0) }, question: question)
    }

    private func captions(of sample: TrainingSample, at position: Int) throws(LoadingError) -> [String] {
        let captions = try selectedCaptions(of: sample, at: position)
        return batches.clean.map { captions.map($0) } ?? captions
    }

    private func selectedCaptions(of sample: TrainingSample, at position: Int) throws(LoadingError) -> [String] {
        switch batches.captionChoice {
        case .best: return [sample.captions[0]]
        case .web:
            guard sample.webCaption.isEmpty else { return [sample.webCaption] }
            throw LoadingError(.sample, sample.shard, "\(sample.key): no caption came with the image")
        case .kept:
            let chosen = chosenCaptions(
                of: sample.captions.count, limit: batches.captionsPerImage, position: position,
                seed: batches.loader.order.seed)
            return chosen.map { sample.captions[$0] }
        }
    }
}

/// Which of the `count` kept captions of the sample at `position` are shown, at most `limit`: each as likely as the others,
/// none twice.
func chosenCaptions(of count: Int, limit: Int, position: Int, seed: UInt64) -> [Int] {
    var chance = Chance(seed: seed, .caption, position)
    return Array(chance.permutation(of: count).prefix(limit))
}
