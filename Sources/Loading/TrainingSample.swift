import Digests
public import Samples
import Shards

/// One image with its captions, as a shard holds it.
public struct TrainingSample: Sendable, Equatable {
    /// The sample's key, unique in its data set.
    public let key: String
    /// The encoded image.
    public let image: [UInt8]
    /// The kept captions, best first; at least one.
    public let captions: [String]
    /// The caption that came with the image; may be empty.
    public let webCaption: String
    /// Of the image as it was fetched: equal for two samples of one image.
    public let digest: ContentDigest
    /// Where it stands in the order, from 0.
    public let position: Int
    /// The number of its set, from 0.
    public let set: Int
    /// How many passes over its set were over before this one.
    public let pass: Int
    /// The place of the shard: for errors.
    public let shard: String
}

/// A sample that was read and not looked into.
struct RawSample: Sendable {
    let key: String
    let position: Int
    let set: Int
    let pass: Int
    let shard: String
    /// Its bytes in the shard's tar, or why there are none.
    let bytes: Result<[UInt8], ShardError>

    /// Takes the bytes apart.
    ///
    /// - Throws: `sample` where it is damaged, `unreadable` where the system is to blame.
    func content() throws(LoadingError) -> TrainingSample {
        do throws(ShardError) {
            let content = try SampleContent(bytes.get(), key: key, shard: shard)
            let digest = ContentDigest(hex: content.sha256) ?? Digests.digest(of: content.image)
            return TrainingSample(
                key: key, image: content.image, captions: content.captions.map { readable($0) },
                webCaption: readable(content.webCaption), digest: digest, position: position, set: set, pass: pass,
                shard: shard)
        } catch {
            guard error.code != .system else { throw LoadingError(.unreadable, shard, error.detail) }
            throw LoadingError(.sample, shard, "\(key): \(error.code.rawValue): \(error.detail)")
        }
    }
}
