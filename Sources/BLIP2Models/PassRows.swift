import Layers
import Tensors

// Shape letters of this file: R rows, T tokens of the longest text, Q queries a row, M tokens of all texts.

/// The rows of one pass through a Q-Former: the queries of every row, then the tokens of every row's text, one behind the
/// other without anything that fills them up.
///
/// Linear layers and norms run on that, so no arithmetic is spent on padding. Attention alone needs a rectangle: it is
/// gathered for it, and what is not padding is gathered back.
struct PassRows {
    let rows: Int
    /// Queries a row; 0 where a pass has only text.
    let queries: Int
    /// Tokens of each row's text; empty where a pass has only queries.
    let lengths: [Int]
    /// Positions of the rectangle.
    let width: Int
    /// Which of the flat rows stands at each place of the rectangle; nil where they are the same.
    private let toRectangle: Tensor?
    /// Which place of the rectangle each of the flat rows has.
    private let toFlat: Tensor?
    private let device: Device

    init(rows: Int, queries: Int, lengths: [Int], on device: Device) throws(TorchError) {
        precondition(lengths.isEmpty || lengths.count == rows, "a text for each row, or for none")
        (self.rows, self.queries, self.lengths, self.device) = (rows, queries, lengths, device)
        let longest = lengths.max() ?? 0
        width = queries + longest
        let isRectangle = lengths.isEmpty || (queries == 0 && lengths.allSatisfy { $0 == longest })
        guard !isRectangle else {
            (toRectangle, toFlat) = (nil, nil)
            return
        }
        var rectangle: [Int] = []
        var flat = (0..<rows * queries).map { $0 / queries * (queries + longest) + $0 % queries }
        var start = rows * queries
        for (row, length) in lengths.enumerated() {
            rectangle += (0..<queries).map { row * queries + $0 }
            // Padding repeats the row's first token; nothing attends to it, and nobody asks what it attends to.
            rectangle += (0..<longest).map { start + ($0 < length ? $0 : 0) }
            flat += (0..<length).map { row * (queries + longest) + queries + $0 }
            start += length
        }
        toRectangle = try Tensor(rectangle, shape: [rectangle.count]).to(.int64, on: device)
        toFlat = try Tensor(flat, shape: [flat.count]).to(.int64, on: device)
    }

    /// The number of flat rows that are queries; they come first.
    var queryCount: Int { rows * queries }

    /// The number of flat rows.
    var count: Int { queryCount + lengths.reduce(0, +) }

    /// Each flat row's row and position in it.
    var places: [(row: Int, position: Int)] {
        (0..<queryCount).map { ($0 / queries, $0 % queries) }
            + lengths.enumerated().flatMap { row, length in (0..<length).map { (row, queries + $0) } }
    }

    /// Flat `[·, W]` as the rectangle `[R, Q + T, W]`.
    func rectangle(_ flat: Tensor) throws(TorchError) -> Tensor {
        try (toRectangle.map { index throws(TorchError) in try flat.selecting(0, index) } ?? flat)
            .reshaped([rows, width, flat.shape[1]])
    }

    /// The rectangle `[R, Q + T, W]` as flat `[·, W]`.
    func flat(_ rectangle: Tensor) throws(TorchError) -> Tensor {
        let all = try rectangle.reshaped([rows * width, rectangle.shape[2]])
        return try toFlat.map { index throws(TorchError) in try all.selecting(0, index) } ?? all
    }

    /// Which of the flat rows are texts' first tokens.
    func firstTokens() throws(TorchError) -> Tensor {
        var starts: [Int] = []
        var next = queryCount
        for length in lengths {
            starts.append(next)
            next += length
        }
        return try Tensor(starts, shape: [rows]).to(.int64, on: device)
    }

    /// What is added to the logits of attention among a row's own positions, `[R, 1, 1, Q + T]`; nil without padding.
    ///
    /// It is 0, and minus infinity for padding.
    func padding() throws(TorchError) -> Tensor? {
        let longest = width - queries
        guard lengths.contains(where: { $0 != longest }) else { return nil }
        let values = lengths.flatMap { length in
            (0..<width).map { $0 < queries + length ? Float(0) : -.infinity }
        }
        return try Tensor(values, shape: [rows, 1, 1, width]).to(.float32, on: device)
    }

    /// What is added to the logits of attention of text behind `past` positions, `[1, 1, T, past + T]`.
    ///
    /// No token sees those after it, all see what is before the text. Padding stands behind every token that is asked
    /// about.
    func causal(past: Int) throws(TorchError) -> Tensor {
        let values = (0..<width).flatMap { token in
            (0..<past + width).map { $0 <= past + token ? Float(0) : -.infinity }
        }
        return try Tensor(values, shape: [1, 1, width, past + width]).to(.float32, on: device)
    }
}
