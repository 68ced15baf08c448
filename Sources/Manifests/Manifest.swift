/// What to build: every key here but `output` can change a byte of a shard, and nothing else belongs here.
package struct Manifest: Codable, Sendable, Equatable {
    package struct Shard: Codable, Sendable, Equatable {
        /// Input rows a shard, which is also the size of a work unit.
        package let samples: Int
        /// 1 to 19.
        package let zstdLevel: Int
    }

    package struct Image: Codable, Sendable, Equatable {
        package enum Resize: String, Codable, Sendable, CaseIterable {
            case shortestSide = "shortest_side"
            case longestSide = "longest_side"
            case centerCrop = "center_crop"
            case pad
            case none
        }
        package enum Format: String, Codable, Sendable, CaseIterable { case jpeg, webp, original }
        /// Pixels, of the side that `resize` names.
        package let size: Int
        package let resize: Resize
        package let format: Format
        /// 1 to 100.
        package let quality: Int
        /// Pixels; 0 takes every image.
        package let minSide: Int
        /// Longer side over shorter side; 0 takes every image.
        package let maxAspectRatio: Double
        package let maxPixels: Int
    }

    package struct Fetch: Codable, Sendable, Equatable {
        /// What is asked of one host at most.
        package struct PerHost: Codable, Sendable, Equatable {
            /// At once.
            package let connections: Int
            /// Requests a second; 0 sets no limit.
            package let rate: Double
        }

        /// Seconds, for a whole transfer.
        package let timeout: Double
        package let retries: Int
        /// Seconds in which a fault that may pass is tried again, after the retries; 0 is off.
        package let patience: Double
        /// Seconds for which a network or host that is down is waited for; 0 is off.
        package let outage: Double
        package let perHost: PerHost
        package let maxBytes: Int
        package let userAgent: String
        package let honourOptOut: Bool
        package let allowPrivateAddresses: Bool
        /// What URLs of pictures that stand for lost ones begin with, without their scheme.
        package let placeholders: [String]
        /// A unit with a larger share of failed rows is done again later; 1 takes every unit.
        package let maxFailureRatio: Double
        /// Whether bytes must have the digest that their list gives.
        package let verifyDigests: Bool
    }

    /// What makes two rows the same, so that the later one is left out.
    package struct Deduplicate: Codable, Sendable, Equatable {
        /// The URL, as the lists have it, over all sources.
        package let urls: Bool
        /// The bytes as fetched, over all sources.
        package let bytes: Bool
        /// The look, over all sources: of 64 bits of a perceptual hash so many may differ; nil looks at none.
        package let perceptual: Int?
        /// Bytes that so many rows have are a placeholder's, and none of these rows is kept; 0 takes every row.
        package let placeholderRepeats: Int

        /// Whether it is known only when every row is done which of them are kept.
        package var comparesImages: Bool { bytes || perceptual != nil || placeholderRepeats > 0 }
    }

    /// Lists of what must not be in the data set, as paths.
    package struct Exclude: Codable, Sendable, Equatable {
        package var urls: [String]
        /// Ids in other data sets, such as `coco_522418`.
        package var images: [String]
        /// SHA-256 or MD5 of the bytes.
        package var digests: [String]
    }

    package struct Caption: Codable, Sendable, Equatable {
        /// A directory in the hub's layout, or a hub id.
        package var model: String
        package let count: Int
        /// Nil is what the captioner was trained with.
        package let prompt: String?
        package let topP: Double
        /// 0 takes the whole vocabulary.
        package let topK: Int
        /// Tokens, with those of the prompt.
        package let minLength: Int
        /// Tokens, with those of the prompt.
        package let maxLength: Int
        package let repetitionPenalty: Double
    }

    package struct Rank: Codable, Sendable, Equatable {
        /// What captions are ranked by.
        package enum Score: String, Codable, Sendable, CaseIterable {
            /// The cosine of image and caption.
            case itc
            /// The logit that they belong together.
            case itm
            /// Both added.
            case sum
        }

        /// A directory in the hub's layout, or a hub id.
        package var model: String
        /// Of a BLIP-2 model of phase 1 alone; nil is its cosine, and CLIP's.
        package let score: Score?
        package let includeOriginal: Bool
        package let keep: Int
        package let keepCandidates: Bool
    }

    package enum Precision: String, Codable, Sendable, CaseIterable { case auto, float32, bfloat16, float16, int8 }

    package let version: Int
    package let name: String
    package let seed: UInt64
    /// Where the data set goes: a directory; not part of the digest.
    package var output: String
    package let shard: Shard
    package let image: Image
    package let fetch: Fetch
    package let deduplicate: Deduplicate
    package var exclude: Exclude
    package var caption: Caption
    package var rank: Rank
    package let precision: Precision
    package var sources: [Source]

    /// Whether any source wants captions to be made and ranked.
    package var bootstraps: Bool { sources.contains { $0.captions == .bootstrap } }

    /// The source called `name`; every work unit names one of the manifest.
    package func source(named name: String) -> Source? { sources.first { $0.name == name } }
}

extension Manifest.Fetch {
    /// For how long nothing may be heard of a row that is being fetched, by these settings.
    package var longestSilence: Duration {
        .seconds(max(timeout, perHost.rate > 0 ? 1 / perHost.rate : 0))
    }
}
