import Samples

/// Images with captions one after the other, each once, however many samples have its bytes.
struct ImageWalk {
    private var samples: EvaluationSamples
    private let limit: Int
    private var numbers: [ContentDigest: Int] = [:]
    private var isOver = false
    /// The captions of each image that was met, of all its samples so far.
    private(set) var captions: [[String]] = []

    /// Ends behind the first `limit` images; nil takes all.
    init(_ images: CaptionedImages, limit: Int?) throws(EvaluationError) {
        samples = try EvaluationSamples(images)
        self.limit = limit ?? .max
    }

    /// How many samples there are: at least as many as images.
    var sampleCount: Int { samples.count }

    /// How many images were met.
    var imageCount: Int { captions.count }

    /// The next `count` images, fewer at the end; nil behind it.
    mutating func next(_ count: Int) throws(EvaluationError) -> [EvaluationSample]? {
        var images: [EvaluationSample] = []
        while images.count < count, let image = try next() { images.append(image) }
        return images.isEmpty ? nil : images
    }

    /// Passes over images until `count` were met.
    mutating func skip(to count: Int) throws(EvaluationError) {
        while imageCount < count, try next() != nil {}
    }

    private mutating func next() throws(EvaluationError) -> EvaluationSample? {
        while !isOver, let sample = try samples.next() {
            if let known = numbers[sample.digest] {
                captions[known] += sample.captions
                continue
            }
            guard imageCount < limit else { break }
            numbers[sample.digest] = imageCount
            captions.append(sample.captions)
            return sample
        }
        isOver = true
        return nil
    }
}
