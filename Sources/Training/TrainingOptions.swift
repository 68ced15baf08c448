package import Tensors

/// All that decides what training makes of a model and its data; stored in every checkpoint.
///
/// Where and how fast it runs is not here, the number of threads aside, where it is given: sums over a batch may
/// differ in their last bit between numbers of threads.
package struct TrainingOptions: Sendable, Equatable, Codable {
    /// The name of the objective, with its own options.
    package var objective: String
    /// The digest of the checkpoint that training starts from.
    package var start: String
    /// The fingerprint of the data and their order.
    package var data: String
    package var seed: UInt64
    package var batchSize: Int
    package var schedule: Schedule
    package var weightDecay: Double
    /// The longest gradient, all parameters as one vector; 0 is no limit.
    package var gradientLimit: Double
    package var precision: String
    /// The number of threads; nil where a run may go on with another one.
    package var threads: Int?
    /// The optimizer's constants.
    package var optimizer: AdamW.Options

    package init(
        objective: String, start: String, data: String, seed: UInt64, batchSize: Int, schedule: Schedule,
        weightDecay: Double, gradientLimit: Double, precision: String, threads: Int?,
        optimizer: AdamW.Options = AdamW.Options()
    ) {
        (self.objective, self.start, self.data, self.seed) = (objective, start, data, seed)
        (self.batchSize, self.schedule, self.weightDecay) = (batchSize, schedule, weightDecay)
        (self.gradientLimit, self.precision, self.threads) = (gradientLimit, precision, threads)
        self.optimizer = optimizer
    }

    /// Named as the command's options are, where there is one.
    private enum CodingKeys: String, CodingKey {
        case objective, start, data, seed, schedule, precision, threads, optimizer
        case batchSize = "batch_size"
        case weightDecay = "weight_decay"
        case gradientLimit = "clip_norm"
    }
}
