import Digests
import Samples
import Shards
import Storage

/// Which captions of a sample a model is asked about.
package enum CaptionChoice: String, Sendable, CaseIterable {
    /// All that were kept.
    case kept
    /// The best of those.
    case best
    /// The one that came with the image.
    case web
}

/// An image with its captions, as a shard holds it.
struct EvaluationSample: Sendable {
    let key: String
    /// Its id in its source; may be empty.
    let sourceID: String
    /// The place of the shard: for errors.
    let shard: String
    /// Of the image as it was fetched: equal for two samples of one image.
    let digest: ContentDigest
    /// The encoded image.
    let image: [UInt8]
    let captions: [String]
}

/// The samples of data sets in the order of their shards, those without a caption left out.
struct EvaluationSamples {
    private let choice: CaptionChoice
    private var shards: ArraySlice<(dataset: Dataset, name: String)> = []
    private var reader: ShardReader?
    private var place = ""

    /// How many samples there are, those without a caption counted.
    let count: Int

    /// - Throws: `dataset` where a data set cannot be read, `empty` where there is no sample.
    init(_ datasets: [Dataset], _ choice: CaptionChoice) throws(EvaluationError) {
        self.choice = choice
        var count = 0
        for dataset in datasets {
            do {
                for shard in try dataset.readDescription().shards where shard.samples > 0 {
                    shards.append((dataset, shard.name))
                    count += shard.samples
                }
            } catch {
                throw EvaluationError(.dataset, error.path, error.reason)
            }
        }
        guard count > 0 else {
            throw EvaluationError(.empty, datasets.first?.place(of: DatasetLayout.description) ?? "", "no samples")
        }
        self.count = count
    }

    mutating func next() throws(EvaluationError) -> EvaluationSample? {
        do {
            while true {
                if let sample = try reader?.next() {
                    let sample = evaluated(sample)
                    if !sample.captions.isEmpty { return sample }
                    continue
                }
                guard let shard = shards.popFirst() else { return nil }
                place = shard.dataset.place(of: DatasetLayout.shard(shard.name))
                reader = try ShardReader(shard.dataset.openShard(shard.name))
            }
        } catch let error as ShardError {
            throw EvaluationError(.dataset, place, "\(error.detail); see pipeline verify")
        } catch let error as StorageError {
            throw EvaluationError(.dataset, error.path, error.reason)
        } catch {
            throw EvaluationError(.dataset, place, "\(error)")
        }
    }

    private func evaluated(_ sample: ShardSample) -> EvaluationSample {
        let kept = sample.metadata.captions.map(\.text)
        let captions =
            switch choice {
            case .kept: kept
            case .best: Array(kept.prefix(1))
            case .web: [sample.metadata.webCaption]
            }
        return EvaluationSample(
            key: sample.key, sourceID: sample.metadata.sourceID, shard: place,
            digest: ContentDigest(hex: sample.metadata.sha256) ?? Digests.digest(of: sample.image), image: sample.image,
            captions: captions.map { readable($0) }.filter { !$0.isEmpty })
    }
}
