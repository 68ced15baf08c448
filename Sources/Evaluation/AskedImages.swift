import Digests
import Foundation
import Samples
import Shards
package import Storage

/// An image that a model may be asked about, with the names that it goes by.
package struct AskedImage: Sendable {
    /// Its ids, the best known first.
    package let ids: [String]
    /// Where it is: for errors.
    package let place: String
    /// The encoded image.
    package let bytes: [UInt8]

    package init(ids: [String], place: String, bytes: [UInt8]) {
        (self.ids, self.place, self.bytes) = (ids, place, bytes)
    }
}

/// The images that a model may be asked about, one after the other.
package protocol AskedImages {
    /// The next image; nil behind the last.
    mutating func next() throws(EvaluationError) -> AskedImage?
}

/// The images of data sets that the pipeline built, in the order of their shards.
///
/// An image goes by its `source_id`, by that without a picture's extension, and by its key.
package struct DatasetImages: AskedImages {
    private var samples: ShardSamples

    /// - Throws: `dataset` where a data set cannot be read, `empty` where there is no sample.
    package init(_ datasets: [Dataset]) throws(EvaluationError) {
        samples = try ShardSamples(datasets, .kept)
    }

    package mutating func next() throws(EvaluationError) -> AskedImage? {
        guard let sample = try samples.next() else { return nil }
        let id = sample.sourceID
        let bare = id.lowercased().hasSuffix(".jpg") ? [String(id.dropLast(4))] : []
        return AskedImage(
            ids: (id.isEmpty ? [] : [id] + bare) + [sample.key], place: "\(sample.place): \(sample.key)",
            bytes: sample.image)
    }
}
