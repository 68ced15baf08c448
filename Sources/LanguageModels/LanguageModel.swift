package import Decoding
package import Tensors

// Shape letters of this file: B rows, T positions, D width of an embedding, V vocabulary.

/// A language model that writes behind what it is given as embeddings: OPT, T5.
///
/// OPT reads them as the beginning of the text, T5 with its encoder. Parameters of a model whose `Weights` are neither packed
/// nor trained are constants, through which gradients flow to the embeddings.
package protocol LanguageModel: TokenDecoder where Prompts == PaddedEmbeddings {
    /// The width of an embedding.
    var embeddingWidth: Int { get }
    /// The number of tokens.
    var vocabulary: Int { get }
    /// The token that ends a text.
    var endToken: Int { get }
    /// The tokens that filters and lengths count as the beginning of every text: T5's start token, nothing for OPT. They are
    /// the first of generated tokens.
    var beginning: [Int] { get }
    /// The word table `[V, D]`, whose element type is that of the model.
    var words: Tensor { get }

    /// Whether the loss computes layers again in the backward pass, instead of keeping what they need: less memory, more time.
    ///
    /// For frozen models only: a table that layers have in common would get no gradient.
    var recomputes: Bool { get set }

    /// The loss of `texts`, one for each row, behind what the rows are given: the sum over the tokens that are asked for,
    /// each weighted as its text is, of -log p, divided by `divisor`; a scalar.
    ///
    /// Without `divisor` it is divided by the sum of the weights, and so a mean. Micro-batches and processes hand in their share
    /// of the tokens of the whole batch.
    func loss(
        _ given: PaddedEmbeddings, _ texts: [TargetText], divisor: Double?
    ) throws(TorchError) -> Tensor
}

/// Which side of a text is filled up.
package enum PaddingSide: Sendable {
    case left, right
}

extension LanguageModel {
    /// The embeddings of texts of token ids, filled up to the longest.
    package func embed(
        _ texts: [[Int]], padding side: PaddingSide = .right
    ) throws(TorchError) -> PaddedEmbeddings {
        let length = texts.map(\.count).max() ?? 0
        var (ids, isThere): ([Int], [[Bool]]) = ([], [])
        for text in texts {
            let filler = length - text.count
            let (fill, there) = ([Int](repeating: 0, count: filler), [Bool](repeating: true, count: text.count))
            let gap = [Bool](repeating: false, count: filler)
            ids += side == .left ? fill + text : text + fill
            isThere.append(side == .left ? gap + there : there + gap)
        }
        return PaddedEmbeddings(try embeddings(ids, [texts.count, length, embeddingWidth]), isThere: isThere)
    }

    /// The word table's rows `ids`, as a tensor of `shape`.
    func embeddings(_ ids: [Int], _ shape: [Int]) throws(TorchError) -> Tensor {
        let index = try Tensor(ids, shape: [ids.count]).to(.int64, on: words.device)
        return try words.selecting(0, index).reshaped(shape)
    }
}

/// A text that a model is to learn to write.
package struct TargetText: Sendable, Equatable {
    /// The tokens, the end token among them where the text is to end.
    package let tokens: [Int]
    /// The places of the tokens that are asked for; the others are given.
    package let asked: RangeSet<Int>
    /// What each token's loss is multiplied by.
    package let weight: Double

    /// A text of which the first `givenCount` tokens are given.
    package init(_ tokens: [Int], givenCount: Int = 0, weight: Double = 1) {
        precondition((0...tokens.count).contains(givenCount), "a text's beginning is part of it")
        self.init(tokens, asked: RangeSet(givenCount..<tokens.count), weight: weight)
    }

    /// A text of which the tokens at the places `asked` are asked for.
    package init(_ tokens: [Int], asked: RangeSet<Int>, weight: Double = 1) {
        (self.tokens, self.asked, self.weight) = (tokens, asked, weight)
    }

    /// How many tokens are asked for.
    package var askedCount: Int { asked.ranges.reduce(0) { $0 + $1.count } }

    /// The same text without its first token.
    package var behindFirstToken: TargetText {
        let ranges = asked.ranges.map { max(0, $0.lowerBound - 1)..<max(0, $0.upperBound - 1) }
        return TargetText(Array(tokens.dropFirst()), asked: RangeSet(ranges), weight: weight)
    }
}

/// Which token a model is asked for at which of its states.
struct AskedTokens {
    /// The places among the states, row by row.
    private(set) var places: [Int] = []
    private(set) var classes: [Int] = []
    private(set) var weights: [Double] = []

    /// Asks for the tokens of `text`: token `i` of it at `place(i)`.
    mutating func add(_ text: TargetText, at place: (Int) -> Int) {
        for number in text.asked.ranges.joined() {
            places.append(place(number))
            classes.append(text.tokens[number])
            weights.append(text.weight)
        }
    }

    /// The loss of a model with `states` `[B, T, D]` and `head`, which is run where a token is asked for.
    func loss(
        _ states: Tensor, divisor: Double?, _ head: (Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        precondition(!places.isEmpty, "a batch asks for a token at least")
        let (shape, count, device) = (states.shape, places.count, states.device)
        let index = try Tensor(places, shape: [count]).to(.int64, on: device)
        let logits = try head(states.reshaped([shape[0] * shape[1], shape[2]]).selecting(0, index))
        let asked = try Tensor(classes, shape: [count, 1]).to(.int64, on: device)
        let losses = try logits.logSumExp() - logits.gathering(asked).reshaped([count])
        let factors = try Tensor(weights.map { Float($0) }, shape: [count]).to(.float32, on: device)
        let sum = try (losses * factors).reshaped([1, count]).summed().reshaped([])
        return try sum * (1 / (divisor ?? weights.reduce(0, +)))
    }
}
