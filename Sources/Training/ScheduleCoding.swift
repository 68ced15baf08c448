extension Schedule: Codable {
    private enum CodingKeys: String, CodingKey {
        case peak = "learning_rate"
        case floor = "min_learning_rate"
        case warmUpSteps = "warmup"
        case steps
        case stepsPerEpoch = "steps_per_epoch"
        case start = "warmup_learning_rate"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            peak: try values.decode(Double.self, forKey: .peak), floor: try values.decode(Double.self, forKey: .floor),
            warmUpSteps: try values.decode(Int.self, forKey: .warmUpSteps),
            steps: try values.decode(Int.self, forKey: .steps))
        if let stepsPerEpoch = try values.decodeIfPresent(Int.self, forKey: .stepsPerEpoch) {
            course = .byEpochs(stepsPerEpoch: stepsPerEpoch, start: try values.decode(Double.self, forKey: .start))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(peak, forKey: .peak)
        try values.encode(floor, forKey: .floor)
        try values.encode(warmUpSteps, forKey: .warmUpSteps)
        try values.encode(steps, forKey: .steps)
        guard case .byEpochs(let stepsPerEpoch, let start) = course else { return }
        try values.encode(stepsPerEpoch, forKey: .stepsPerEpoch)
        try values.encode(start, forKey: .start)
    }
}
