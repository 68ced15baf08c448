package import Tensors

// Shape letters of this file: B prompts, N rows, V vocabulary.

/// A model that writes rows of text token by token: it is given prompts first, and one token of each row from then on.
///
/// Rows do not depend on each other. What a row has so far is in `Rows`, which is the model's own: keys and values, above
/// all. Searches (`sample`, `searchBeams`) choose the tokens.
package protocol TokenDecoder {
    /// What all rows of a batch are given before their first token.
    associatedtype Prompts
    /// What the model keeps of the rows of a batch.
    associatedtype Rows

    /// Reads the prompts. The result has a row for each of them, and the logits `[B, V]`, float32, of its first token.
    ///
    /// `room` is the number of tokens that a row may be given afterwards.
    func begin(_ prompts: Prompts, room: Int) throws(TorchError) -> (rows: Rows, logits: Tensor)

    /// The rows `places` of `rows`, in that order; a place may occur often. They ascend by prompt.
    func selecting(_ places: [Int], of rows: Rows) throws(TorchError) -> Rows

    /// The logits `[N, V]`, float32, behind `tokens`, the next token of each row, which `rows` takes in.
    func logits(after tokens: [Int], _ rows: inout Rows) throws(TorchError) -> Tensor
}

/// The tokens of one text.
package struct GeneratedTokens: Sendable, Equatable {
    /// The tokens that every row began with, then the new ones, with the end token where the text came to its end.
    package let tokens: [Int]
    /// The sum over the new tokens of their log-probabilities, in the distribution before any filter.
    package let logprob: Double

    package init(tokens: [Int], logprob: Double) { (self.tokens, self.logprob) = (tokens, logprob) }
}

/// Logits of a batch in the processor's memory.
struct Logits {
    private let values: [Float]
    private let vocabulary: Int
    /// log Σ exp of each row.
    let logSums: [Float]

    /// The logits `[..., V]`.
    init(_ logits: Tensor) throws(TorchError) {
        vocabulary = logits.shape.last ?? 0
        values = try logits.floats()
        logSums = try logits.logSumExp().floats()
    }

    subscript(row: Int) -> ArraySlice<Float> { values[row * vocabulary..<(row + 1) * vocabulary] }

    /// The error that a model's logits are of no use.
    static let notFinite = TorchError(operation: "sampling", message: "the model's logits are not finite numbers")
}
