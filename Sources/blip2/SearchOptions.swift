import ArgumentParser
import LanguageModels

/// How a language model chooses what it writes.
struct SearchOptions: ParsableArguments {
    @Flag(help: "Take the most likely token at each step.")
    var greedy = false

    @Option(help: "Search with this many beams. (default: 5, unless --greedy or --top-p is given)")
    var beams: Int?

    @Option(
        parsing: .unconditional,
        help: "With beams: more than 0 favors long texts, less than 0 short ones. (default: 1)")
    var lengthPenalty: Double?

    @Option(
        help: "Sample from the tokens that make up this share of the probability, more than 0, at most 1.")
    var topP: Double?

    @Option(help: "With --top-p: sample from this many of the most likely tokens; 0 means all. (default: 50)")
    var topK: Int?

    @Option(help: "Minimum number of new tokens.")
    var minNewTokens = 0

    @Option(help: "Maximum number of new tokens, including the one that ends the text.")
    var maxNewTokens = 30

    @Option(help: "Penalty for tokens that are already in the text; 1 is off.")
    var repetitionPenalty = 1.0

    @Option(help: "Texts for each image; with beams the best ones, at most as many as there are beams.")
    var count = 1

    @Option(help: "With --top-p: seed of the random numbers. (default: 0)")
    var seed: UInt64?

    func validate() throws {
        try refuseContradictions()
        if let beams, !(1...1000).contains(beams) { throw ValidationError("--beams: want 1 to 1000, not \(beams)") }
        if let lengthPenalty, !lengthPenalty.isFinite { throw ValidationError("--length-penalty: want a number") }
        if let topP, !(topP > 0 && topP <= 1) {
            throw ValidationError("--top-p: want more than 0 and at most 1, not \(topP)")
        }
        if let topK, topK < 0 { throw ValidationError("--top-k: want 0 or more, not \(topK)") }
        guard maxNewTokens > 0 else { throw ValidationError("--max-new-tokens: want at least 1, not \(maxNewTokens)") }
        guard (0...maxNewTokens).contains(minNewTokens) else {
            throw ValidationError("--min-new-tokens: want 0 to --max-new-tokens, \(maxNewTokens), not \(minNewTokens)")
        }
        guard repetitionPenalty > 0 else { throw ValidationError("--repetition-penalty: want more than 0") }
        guard count > 0 else { throw ValidationError("--count: want at least 1, not \(count)") }
        if let most = generation.mostTexts, count > most {
            throw ValidationError(
                greedy
                    ? "--count: --greedy makes one text, not \(count)"
                    : "--count: \(count) texts, but \(most) beams; give --beams \(count), or --top-p to sample")
        }
    }

    private func refuseContradictions() throws {
        let given: [(name: String, isGiven: Bool)] = [
            ("--greedy", greedy), ("--beams", beams != nil), ("--length-penalty", lengthPenalty != nil),
            ("--top-p", topP != nil), ("--top-k", topK != nil), ("--seed", seed != nil),
        ]
        func refuse(_ name: String, beside others: [String]) throws {
            for other in given where other.isGiven && others.contains(other.name) {
                throw ValidationError("\(name) and \(other.name) contradict each other")
            }
        }
        if greedy { try refuse("--greedy", beside: ["--beams", "--length-penalty", "--top-p", "--top-k", "--seed"]) }
        if topP != nil { try refuse("--top-p", beside: ["--beams", "--length-penalty"]) }
        for (name, isGiven) in given where isGiven && topP == nil && ["--top-k", "--seed"].contains(name) {
            throw ValidationError("\(name): only with --top-p, which samples")
        }
    }

    /// What was asked for.
    var generation: GenerationOptions {
        let way: GenerationOptions.Search =
            greedy
            ? .greedy
            : topP.map { .sampling(topP: $0, topK: topK ?? 50) }
                ?? .beams(beams ?? 5, lengthPenalty: lengthPenalty ?? 1)
        return GenerationOptions(
            way, minNewTokens: minNewTokens, maxNewTokens: maxNewTokens, repetitionPenalty: repetitionPenalty)
    }
}
