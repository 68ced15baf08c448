/// Who wrote a caption; the raw value is what shards store.
public enum CaptionOrigin: String, Hashable, Sendable, Codable, CaseIterable {
    /// Made by the captioner.
    case blip
    /// Came with the image from the web.
    case web
    /// Written by a person for this image, as in COCO.
    case human
}

/// One line of text about an image.
public struct Caption: Hashable, Sendable, Codable {
    /// The text, as it came or was made; not empty.
    public let text: String
    /// Who wrote it.
    public let origin: CaptionOrigin

    /// A caption `text` by `origin`.
    public init(text: String, origin: CaptionOrigin) {
        self.text = text
        self.origin = origin
    }
}

/// A caption with the ranker's judgement of it.
public struct ScoredCaption: Hashable, Sendable, Codable {
    /// The text, as it came or was made.
    public let text: String
    /// Cosine similarity of image and text, −1 to 1; 0 where nothing was ranked.
    public let score: Double
    /// Who wrote it.
    public let origin: CaptionOrigin

    /// `text` by `origin`, judged with `score`.
    public init(text: String, score: Double, origin: CaptionOrigin) {
        self.text = text
        self.score = score
        self.origin = origin
    }
}

/// `text` as models read it: `<PERSON>`, which stands for a name in the lists of Conceptual 12M, is a person.
///
/// What is stored is the text as it came.
package func readable(_ text: String) -> String {
    text.contains("<PERSON>") ? text.replacing("<PERSON>", with: "person") : text
}
