import Digests
import Samples
import Shards
package import Storage

/// Which captions of a sample a model is asked about.
package enum CaptionChoice: String, Sendable, CaseIterable {
    /// All that were kept.
    case kept
    /// The best of those.
    case best
    /// The one that came with the image.
    case web
}

/// Images with captions that a model is evaluated on; they may be gone through more than once.
package enum CaptionedImages: Sendable {
    /// Those of data sets that the pipeline built, in the order of their shards.
    case datasets([Dataset], CaptionChoice)
    /// Image files, in this order.
    case files([CaptionedFile])
}

/// An image file and the captions that people wrote for it.
package struct CaptionedFile: Sendable {
    let id: String
    let path: String
    let captions: [String]
}

/// An image with its captions.
struct EvaluationSample: Sendable {
    let key: String
    /// Its id in its source; may be empty.
    let sourceID: String
    /// The place of the shard or file: for errors.
    let place: String
    /// Of the image as it was fetched: equal for two samples of one image.
    let digest: ContentDigest
    /// The encoded image.
    let image: [UInt8]
    let captions: [String]
}

/// The samples of images with captions, those without a caption left out.
struct EvaluationSamples {
    private enum Source {
        case shards(ShardSamples)
        case files(ArraySlice<CaptionedFile>)
    }

    private var source: Source

    /// How many samples there are, those without a caption counted.
    let count: Int

    /// - Throws: `dataset` where a data set cannot be read, `empty` where there is no sample.
    init(_ images: CaptionedImages) throws(EvaluationError) {
        switch images {
        case .datasets(let datasets, let choice):
            let samples = try ShardSamples(datasets, choice)
            (source, count) = (.shards(samples), samples.count)
        case .files(let files): (source, count) = (.files(files[...]), files.count)
        }
    }

    mutating func next() throws(EvaluationError) -> EvaluationSample? {
        switch source {
        case .shards(var samples):
            defer { source = .shards(samples) }
            return try samples.next()
        case .files(var files):
            defer { source = .files(files) }
            while let file = files.popFirst() {
                let captions = file.captions.map { readable($0) }.filter { $0.contains { !$0.isWhitespace } }
                if !captions.isEmpty { return try sample(file, captions) }
            }
            return nil
        }
    }

    private func sample(_ file: CaptionedFile, _ captions: [String]) throws(EvaluationError) -> EvaluationSample {
        let bytes = try imageBytes(file.path)
        return EvaluationSample(
            key: file.id, sourceID: file.id, place: file.path, digest: Digests.digest(of: bytes), image: bytes,
            captions: captions)
    }
}

/// The samples of data sets in the order of their shards, those without a caption left out.
struct ShardSamples {
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
            key: sample.key, sourceID: sample.metadata.sourceID, place: place,
            digest: ContentDigest(hex: sample.metadata.sha256) ?? Digests.digest(of: sample.image), image: sample.image,
            captions: captions.map { readable($0) }.filter { !$0.isEmpty })
    }
}
