/// What the file of every training on shards says, whatever is trained: the run, its data, its steps.
package struct RunSettings: Encodable, Sendable, Equatable {
    /// The part that looks at images.
    package struct ImageEncoder: Encodable, Sendable, Equatable {
        /// A directory in the hub's layout, or a hub id: CLIP's or BLIP-2's.
        package var model: String
        package var precision: Manifest.Precision
        /// What the learning rate is multiplied by from layer to layer, from the top down; nil where nothing of it is trained.
        package var layerDecay: Double?
        /// Whether activations are computed again in the backward pass; nil where nothing of it is trained.
        package var recompute: Bool?
    }

    /// Which data sets are shown, and in what order.
    package struct Data: Encodable, Sendable, Equatable {
        package enum Mixing: String, Encodable, Sendable, CaseIterable {
            /// A batch holds samples of every set.
            case samples
            /// All samples of a batch are of one set.
            case batches
        }

        /// Data sets that are shown as one.
        package struct Set: Encodable, Sendable, Equatable {
            /// Outputs of the pipeline.
            package var paths: [String]
            /// Its part of the samples, next to the other sets'; nil is its size.
            package var share: Double?
            /// How its images are prepared, where that is another way than the others'.
            package var images: Images?
            /// What is asked about its images; nil where nothing is.
            package var questions: [QuestionFiles]?

            private enum CodingKeys: String, CodingKey {
                case paths = "path"
                case share, images, questions
            }

            package init(
                paths: [String], share: Double? = nil, images: Images? = nil, questions: [QuestionFiles]? = nil
            ) {
                (self.paths, self.share, self.images, self.questions) = (paths, share, images, questions)
            }
        }

        /// How far samples are moved from their places in the shards.
        package struct Shuffle: Encodable, Sendable, Equatable {
            /// Shards of a set that are read together.
            package var shards: Int
            /// Samples of a set that wait for their turn.
            package var samples: Int
            /// Bytes that these have at most.
            package var bytes: Int
        }

        /// Empty where the file leaves it to the command line.
        package var sets: [Set]
        /// What is asked about the images of sets that say nothing else; nil where nothing is.
        package var questions: [QuestionFiles]?
        package var mixing: Mixing
        package var shuffle: Shuffle
        /// Damaged samples that are replaced, in each process, before the run ends.
        package var damageLimit: Int
    }

    /// Questions about images and what people answered, as data sets distribute them.
    package struct QuestionFiles: Encodable, Sendable, Equatable {
        /// The questions; without `annotations` with their answers, as GQA and Visual Genome have them.
        package var file: String
        /// The answers of VQAv2 and OK-VQA.
        package var annotations: String?
        /// What the loss of these answers is multiplied by.
        package var weight: Double
    }

    /// How images are prepared.
    package struct Images: Encodable, Sendable, Equatable {
        /// Which part of an image is shown.
        package enum Crop: Sendable, Equatable {
            case whole
            /// At least this share of each side.
            case sides(Double)
            /// A share of the area in the first range, with width over height in the second.
            case area(ClosedRange<Double>, aspect: ClosedRange<Double>)
        }

        /// Pixels of the square's side, one for all sets; nil is the image encoder's own.
        package var size: Int?
        package var crop: Crop
        /// Whether every second image is mirrored.
        package var flip: Bool
        package var randAugment: Bool
    }

    /// Which captions are shown, and how.
    package struct Captions: Encodable, Sendable, Equatable {
        package enum Use: String, Encodable, Sendable, CaseIterable {
            /// One of the kept ones, drawn anew each time.
            case kept
            /// The best of the kept ones.
            case best
            /// The one that came with the image.
            case web
        }
        package enum Cleaning: String, Encodable, Sendable, CaseIterable {
            /// LAVIS's `blip_caption`.
            case blip
            case none
        }
        package var use: Use
        package var clean: Cleaning
        /// What every caption begins with.
        package var prompt: String
        /// Tokens of the longest caption, with the first and the last; longer ones are cut.
        package var maxTokens: Int
    }

    /// The optimizer's steps.
    package struct Training: Encodable, Sendable, Equatable {
        /// When the learning rate falls.
        package enum Decay: String, Encodable, Sendable, CaseIterable { case steps, epochs }

        /// Steps of the whole run; nil where `epochs` says it.
        package var steps: Int?
        package var epochs: Int?
        /// Steps of an epoch; nil is one pass over the data.
        package var stepsPerEpoch: Int?
        /// Samples of a step, those of all processes together.
        package var batchSize: Int
        /// Parts that a process's samples are computed in, one after the other.
        package var accumulate: Int
        package var learningRate: Double
        package var minLearningRate: Double
        /// Nil is a twentieth of all steps.
        package var warmupSteps: Int?
        /// The rate of the first step where the rate falls by epochs.
        package var warmupLearningRate: Double?
        package var decay: Decay
        /// Two.
        package var betas: [Double]
        package var epsilon: Double
        package var weightDecay: Double
        /// The longest gradient; 0 is no limit.
        package var clipNorm: Double
        /// Never int8.
        package var precision: Manifest.Precision
    }

    package struct Checkpoints: Encodable, Sendable, Equatable {
        /// Steps between two.
        package var every: Int
        /// The newest that are kept.
        package var keep: Int
        /// Those of every so many steps are kept for good; 0 is none.
        package var keepEvery: Int
        /// The element type of the finished model; never int8 or auto.
        package var saveAs: Manifest.Precision
    }

    /// Looking at samples that are not trained on.
    package struct Validation: Encodable, Sendable, Equatable {
        /// Outputs of the pipeline.
        package var paths: [String]
        /// Samples that are looked at.
        package var samples: Int
        /// Steps between two validations.
        package var every: Int
        /// What is asked about its images; nil where nothing is.
        package var questions: [QuestionFiles]?

        private enum CodingKeys: String, CodingKey {
            case paths = "path"
            case samples, every, questions
        }
    }

    package struct Losses: Encodable, Sendable, Equatable {
        package enum TextMean: String, Encodable, Sendable, CaseIterable {
            /// The mean over the tokens of the global batch.
            case global
            /// The mean of the processes' means, as in LAVIS.
            case processes
        }
        package var labelSmoothing: Double
        package var textMean: TextMean
    }

    /// What a model is fine-tuned for.
    package enum Task: String, Encodable, Sendable, CaseIterable { case captioning, vqa, retrieval }

    /// Which of a question's answers are asked for.
    package enum Answers: String, Encodable, Sendable, CaseIterable {
        /// All different ones, each by how many gave it.
        case all
        /// One, drawn anew each time.
        case drawn
    }

    package var version: Int
    /// The phase that is trained; nil in fine-tuning.
    package var stage: Int?
    /// Nil outside of fine-tuning.
    package var task: Task?
    package var seed: UInt64
    /// The run's folder; empty where the file leaves it to the command line.
    package var output: String
    package var imageEncoder: ImageEncoder
    package var data: Data
    package var images: Images
    package var captions: Captions
    /// Nil where there are no questions.
    package var answers: Answers?
    package var losses: Losses
    package var training: Training
    package var checkpoints: Checkpoints
    /// Nil looks at none.
    package var validation: Validation?
    /// Nil where the environment says it, or there is one.
    package var processes: Int?
    /// `auto`, `cpu` or `cuda:N`.
    package var device: String
    /// Threads of the model in each process; 0 divides the cores among those of the machine.
    package var threads: Int
}
