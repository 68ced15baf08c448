package import Tensors

/// Which group each row of a batch belongs to, such as its image or its prompt, and how rows are put together by group.
///
/// While every group has the same number of rows, putting them together is a view; after rows have left the batch,
/// shorter groups are filled up with a copy of some row, whose result is dropped.
package struct RowLayout {
    package let groups: Int
    package let rowsPerGroup: Int
    /// The rows of each group.
    package let counts: [Int]
    private let fill: Tensor?
    private let pick: Tensor?

    /// `groupOfRow` in ascending order, each less than `groups`.
    package init(_ groupOfRow: [Int], groups: Int, on device: Device) throws(TorchError) {
        var rows = [[Int]](repeating: [], count: groups)
        for (row, group) in groupOfRow.enumerated() { rows[group].append(row) }
        let longest = rows.map(\.count).max() ?? 0
        counts = rows.map(\.count)
        self.groups = groups
        rowsPerGroup = longest
        if rows.allSatisfy({ $0.count == longest }) {
            (fill, pick) = (nil, nil)
            return
        }
        let fill = rows.flatMap { $0 + [Int](repeating: 0, count: longest - $0.count) }
        let pick = rows.enumerated().flatMap { group, rows in rows.indices.map { group * longest + $0 } }
        self.fill = try Tensor(fill, shape: [fill.count]).to(.int64, on: device)
        self.pick = try Tensor(pick, shape: [pick.count]).to(.int64, on: device)
    }

    /// `[N, ...]` to `[groups * rowsPerGroup, ...]`.
    package func grouped(_ x: Tensor) throws(TorchError) -> Tensor {
        guard let fill else { return x }
        return try x.selecting(0, fill)
    }

    /// `[groups * rowsPerGroup, ...]` to `[N, ...]`.
    package func ungrouped(_ x: Tensor) throws(TorchError) -> Tensor {
        guard let pick else { return x }
        return try x.selecting(0, pick)
    }
}
