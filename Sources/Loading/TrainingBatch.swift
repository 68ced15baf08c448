public import Samples

/// The images and captions of one optimizer update, or a process's part of them.
public struct TrainingBatch: Sendable, Equatable {
    /// The number of the update, from 1.
    public let step: Int
    /// The numbers in the whole batch of the samples that are here, from 0.
    public let numbers: Range<Int>
    /// The samples' keys.
    public let keys: [String]
    /// The samples' images: equal for samples of one image, which should not be each other's negatives.
    public let digests: [ContentDigest]
    /// What the model sees, image after image: interleaved RGB, rows top to bottom, `side * side * 3` bytes each.
    public let pixels: [UInt8]
    /// For each sample the captions that are shown; at least one.
    public let captions: [[String]]
    /// The same captions as the loader's `tokenize` gives them; empty where it has none.
    public let tokens: [[[Int]]]
    /// What is asked about each image, whose captions are then the answers; empty where nothing is.
    package let questions: [ShownQuestion]
    /// Samples that are damaged, and for which others stand in here.
    public let damaged: [DamagedSample]

    /// A batch that was not read from shards, for measurements and tests.
    package init(
        step: Int, numbers: Range<Int>, keys: [String], digests: [ContentDigest], pixels: [UInt8],
        captions: [[String]], tokens: [[[Int]]], questions: [ShownQuestion] = [], damaged: [DamagedSample]
    ) {
        self.questions = questions
        (self.step, self.numbers, self.keys, self.digests) = (step, numbers, keys, digests)
        (self.pixels, self.captions, self.tokens, self.damaged) = (pixels, captions, tokens, damaged)
    }

    /// How many samples are here.
    public var count: Int { keys.count }

    /// The square of the sample that is the `index`th here, from 0.
    public func pixels(of index: Int) -> ArraySlice<UInt8> {
        let byteCount = pixels.count / max(1, count)
        return pixels[index * byteCount..<(index + 1) * byteCount]
    }
}

/// A question about an image, with what may be answered.
package struct ShownQuestion: Sendable, Equatable {
    package struct Answer: Sendable, Equatable {
        package let text: String
        /// How large a share of those who answered gave it; the shares of a question's answers add up to 1.
        package let share: Double

        package init(_ text: String, share: Double) { (self.text, self.share) = (text, share) }
    }

    package let text: String
    /// Different ones, at least one.
    package let answers: [Answer]
    /// What the loss of its answers is multiplied by.
    package let weight: Double

    package init(_ text: String, _ answers: [Answer], weight: Double = 1) {
        precondition(!answers.isEmpty, "a question has an answer")
        (self.text, self.answers, self.weight) = (text, answers, weight)
    }
}

/// A sample that could not be shown.
public struct DamagedSample: Sendable, Equatable {
    /// Its key.
    public let key: String
    /// Its position in the order.
    public let position: Int
    /// What is wrong, with the shard.
    public let error: LoadingError
}

/// One of the processes that train together.
public struct ProcessRank: Sendable, Hashable {
    /// Which one, from 0.
    public let index: Int
    /// How many there are.
    public let count: Int

    /// The process `index` of `count`.
    public init(_ index: Int = 0, of count: Int = 1) {
        precondition(index >= 0 && index < count, "there is no process \(index) of \(count)")
        (self.index, self.count) = (index, count)
    }

    /// The numbers of its samples in a batch of `batchSize`: as many as another's, or one more.
    public func numbers(in batchSize: Int) -> Range<Int> {
        index * batchSize / count..<(index + 1) * batchSize / count
    }
}

extension TrainingBatch {
    /// The samples whose images and first captions, or questions, differ from those of all before them, as a batch of their
    /// own.
    package var distinct: TrainingBatch {
        var (images, texts): (Set<ContentDigest>, Set<String>) = ([], [])
        let places = keys.indices.filter { place in
            let text = questions.isEmpty ? captions[place][0] : questions[place].text
            let isNewText = texts.insert(text).inserted
            return images.insert(digests[place]).inserted && isNewText
        }
        return TrainingBatch(
            step: step, numbers: 0..<places.count, keys: places.map { keys[$0] }, digests: places.map { digests[$0] },
            pixels: places.flatMap { pixels(of: $0) }, captions: places.map { captions[$0] },
            tokens: tokens.isEmpty ? [] : places.map { tokens[$0] },
            questions: questions.isEmpty ? [] : places.map { questions[$0] }, damaged: damaged)
    }
}
