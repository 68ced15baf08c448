import Decoding
import Tensors

/// A decoder whose logits follow from the last two tokens alone, by a table of random numbers.
struct TableDecoder: TokenDecoder {
    struct Rows {
        var histories: [[Int]]
    }

    let vocabulary: Int
    let seed: UInt64

    /// A prompt is a number.
    func begin(_ prompts: [Int], room: Int) throws(TorchError) -> (rows: Rows, logits: Tensor) {
        let rows = Rows(histories: prompts.map { [-1 - $0, -1] })
        return (rows, try logits(rows))
    }

    func selecting(_ places: [Int], of rows: Rows) throws(TorchError) -> Rows {
        Rows(histories: places.map { rows.histories[$0] })
    }

    func logits(after tokens: [Int], _ rows: inout Rows) throws(TorchError) -> Tensor {
        for (row, token) in tokens.enumerated() { rows.histories[row].append(token) }
        return try logits(rows)
    }

    /// The logits behind `history`.
    func logits(_ history: [Int]) -> [Float] {
        let place = (history[history.count - 2] + 50) * 1000 + history[history.count - 1] + 500
        return (0..<vocabulary).map { token in
            Float(RandomStream(key: seed).uniform(place * 100 + token) * 6 - 3)
        }
    }

    private func logits(_ rows: Rows) throws(TorchError) -> Tensor {
        try Tensor(rows.histories.flatMap { logits($0) }, shape: [rows.histories.count, vocabulary])
    }
}
