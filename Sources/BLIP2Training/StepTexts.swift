import BLIP2Models
import LanguageModels
import Layers
import Loading

/// What a step asks of its language model: texts, and which of the batch's images each of them is about.
struct StepTexts {
    let samples: [LanguageSample]
    /// The place in the batch of each text's image, in order; nil where every image has one text.
    let images: [Int]?
    /// What the Q-Former reads beside each image; nil where it reads nothing.
    let instructions: [[Int]]?
    /// What these texts add to what the loss is divided by.
    let targets: Double

    /// A text for each image.
    init(_ samples: [LanguageSample]) {
        (self.samples, images, instructions) = (samples, nil, nil)
        targets = Double(samples.reduce(0) { $0 + $1.targetCount })
    }

    init(_ samples: [LanguageSample], images: [Int], instructions: [[Int]], targets: Double) {
        (self.samples, self.images, self.instructions) = (samples, images, instructions)
        self.targets = targets
    }

    /// The texts about the images at the places `places` of the batch.
    func part(_ places: Range<Int>) -> StepTexts {
        guard let images, let instructions else { return StepTexts(Array(samples[places])) }
        let own = images.indices.filter { places.contains(images[$0]) }
        return StepTexts(
            own.map { samples[$0] }, images: own.map { images[$0] - places.lowerBound },
            instructions: Array(instructions[places]), targets: 0)
    }

    /// The same without what would be asked for right behind the queries.
    var behindFirstToken: StepTexts {
        guard let images, let instructions else { return StepTexts(samples.map(\.behindFirstToken)) }
        return StepTexts(
            samples.map(\.behindFirstToken), images: images, instructions: instructions, targets: targets)
    }
}

/// Where a step's texts come from.
enum TextSource: Sendable {
    /// The images' captions.
    case captions(CaptionSamples)
    /// Questions about the images, and their answers.
    case questions(QuestionSamples)

    /// What of a caption does not change from step to step.
    func tokens(of caption: String) -> [Int] {
        switch self {
        case .captions(let samples): samples.tokens(of: caption)
        case .questions: []
        }
    }

    /// The texts of `batch` in a step.
    func texts(of batch: TrainingBatch, _ context: StepContext) -> StepTexts {
        switch self {
        case .captions(let samples):
            let keys = context.keys("prefix of a caption")
            return StepTexts(zip(batch.tokens, keys).map { samples.sample($0[0], key: $1) })
        case .questions(let samples): return samples.texts(of: batch.questions)
        }
    }
}
