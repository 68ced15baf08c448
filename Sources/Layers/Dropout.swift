import RandomNumbers
package import Tensors

/// How often elements are dropped in training.
package struct DropoutRates: Sendable, Equatable {
    /// Of hidden states.
    package let hidden: Double
    /// Of the weights of attention.
    package let attention: Double

    /// Nothing is dropped.
    package static let none = DropoutRates(hidden: 0, attention: 0)

    package init(hidden: Double, attention: Double) {
        precondition((0..<1).contains(hidden) && (0..<1).contains(attention), "a rate is at least 0 and below 1")
        (self.hidden, self.attention) = (hidden, attention)
    }
}

/// Dropout in one forward pass: the context that says what is dropped; nil in inference.
///
/// What is dropped of a row, an image or a text with its image, follows from the row's key, the place in the model, and
/// the position in the row. It does not depend on the batch that the row is in, nor on what fills rows up, so a second
/// pass over the same sample drops the same, and so does a run with another number of processes.
package struct Dropout: Sendable {
    package let rates: DropoutRates
    /// The key of each row.
    package let rowKeys: [UInt64]

    package init(_ rates: DropoutRates, rowKeys: [UInt64]) {
        (self.rates, self.rowKeys) = (rates, rowKeys)
    }

    /// The keys, on `device`, of the elements of hidden states: one for each (row, position in the row) of `places`.
    package func hiddenKeys(_ places: [(row: Int, position: Int)], on device: Device) throws(TorchError) -> Tensor {
        try keys(places.map { key(rowKeys[$0.row], 0, $0.position) }, on: device)
    }

    /// The keys, on `device`, of the weights of attention of `heads` heads and `queries` queries of each of `rows`.
    ///
    /// Their order is that of weights `[rows / together, heads, together · queries, ·]`: `together` rows attend to the
    /// same keys and values.
    package func attentionKeys(
        of rows: Range<Int>, together: Int = 1, heads: Int, queries: Int, on device: Device
    ) throws(TorchError) -> Tensor {
        var made: [UInt64] = []
        made.reserveCapacity(rows.count * heads * queries)
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: together) {
            for head in 1...heads {
                for row in rowKeys[first..<first + together] {
                    for query in 0..<queries { made.append(key(row, head, query)) }
                }
            }
        }
        return try keys(made, on: device)
    }

    private func key(_ row: UInt64, _ group: Int, _ position: Int) -> UInt64 {
        SplitMix64.number(position, from: SplitMix64.number(group, from: row))
    }

    private func keys(_ values: [UInt64], on device: Device) throws(TorchError) -> Tensor {
        try Tensor(values.map { Int(Int64(bitPattern: $0)) }, shape: [values.count]).to(.int64, on: device)
    }
}
