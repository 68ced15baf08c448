/// Samples that wait for their turn, which chance decides.
struct ShuffleBuffer {
    private var waiting: [TrainingSample] = []
    private(set) var byteCount = 0
    private let limit: LoadingOrder
    private var chance: Chance

    init(_ limit: LoadingOrder, _ chance: Chance) {
        self.limit = limit
        self.chance = chance
    }

    var count: Int { waiting.count }

    /// Whether a sample must be taken before another is put in: the bytes may pass their bound by one sample.
    var isFull: Bool { waiting.count >= limit.bufferedSamples || byteCount >= limit.bufferedBytes }

    mutating func insert(_ sample: TrainingSample) {
        waiting.append(sample)
        byteCount += sample.image.count
    }

    /// One of the waiting samples, each as likely as the others; nil where none waits.
    mutating func take() -> TrainingSample? {
        guard !waiting.isEmpty else { return nil }
        waiting.swapAt(chance.below(waiting.count), waiting.count - 1)
        let sample = waiting.removeLast()
        byteCount -= sample.image.count
        return sample
    }
}
