package import Tensors

// Shape letters of this file: B rows, T positions of the longest row, D width of an embedding.

/// What rows of a batch are given as embeddings, filled up to the longest: where a row has nothing, no one looks.
///
/// What fills a row up may stand anywhere: before the text, behind it, or between queries and text.
package struct PaddedEmbeddings {
    /// `[B, T, D]`.
    package let values: Tensor
    /// For each row, at which positions there is something: once at least.
    package let isThere: [[Bool]]

    /// Rows of which nothing is missing.
    package init(_ values: Tensor) {
        let shape = values.shape
        self.init(values, isThere: [[Bool]](repeating: [Bool](repeating: true, count: shape[1]), count: shape[0]))
    }

    /// Rows with something where `isThere` says so.
    package init(_ values: Tensor, isThere: [[Bool]]) {
        precondition(
            values.shape[0] == isThere.count && isThere.allSatisfy { $0.count == values.shape[1] },
            "a mask has the shape of what it masks")
        (self.values, self.isThere) = (values, isThere)
    }

    /// The rows.
    package var count: Int { isThere.count }
    /// The positions of the longest row.
    package var length: Int { values.shape[1] }

    /// Each row followed by that row of `next`; queries, say, by the question about their image.
    package func followed(by next: PaddedEmbeddings) throws(TorchError) -> PaddedEmbeddings {
        PaddedEmbeddings(
            try concatenated([values, next.values.to(values.dtype)], dimension: 1),
            isThere: zip(isThere, next.isThere).map { $0 + $1 })
    }

    /// How many positions of each row have something.
    var lengths: [Int] { isThere.map { $0.reduce(0) { $0 + ($1 ? 1 : 0) } } }

    /// The last position of each row that has something.
    var lastPlaces: [Int] {
        isThere.map { row in
            guard let last = row.lastIndex(of: true) else { preconditionFailure("a row is given something") }
            return last
        }
    }

    /// For each position, how many of its row up to and with it have something, less one; -1 before the first.
    ///
    /// Where there is nothing it is -1 too, as in the reference.
    var numbers: [Int] {
        isThere.flatMap { row in
            var count = 0
            return row.map { there in
                count += there ? 1 : 0
                return there ? count - 1 : -1
            }
        }
    }
}

/// What is added to the score of a key that must not be seen.
///
/// It is far below any score, and finite, so that a query that sees no key at all has weights that are numbers. Scores are
/// float32, and it is added to them once.
let hidden: Float = -1e9

extension PaddedEmbeddings {
    /// What is added to the scores of the keys of each row, `[B, 1, 1, T]`; nil where nothing is missing.
    func keyBias(on device: Device) throws(TorchError) -> Tensor? {
        guard !isThere.allSatisfy({ $0.allSatisfy(\.self) }) else { return nil }
        let values = isThere.flatMap { $0.map { $0 ? 0 : hidden } }
        return try Tensor(values, shape: [count, 1, 1, length]).to(.float32, on: device)
    }

    /// The same for queries that do not see what comes after them: `[B, 1, T, T]`, or `[1, 1, T, T]`.
    func causalBias(on device: Device) throws(TorchError) -> Tensor {
        let isWhole = isThere.allSatisfy { $0.allSatisfy(\.self) }
        var values: [Float] = []
        let rows = isWhole ? Array(isThere.prefix(1)) : isThere
        values.reserveCapacity(rows.count * length * length)
        for row in rows {
            for query in 0..<length {
                for key in 0..<length { values.append(key <= query && row[key] ? 0 : hidden) }
            }
        }
        return try Tensor(values, shape: [rows.count, 1, length, length]).to(.float32, on: device)
    }
}
