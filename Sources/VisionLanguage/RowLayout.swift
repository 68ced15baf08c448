package import Tensors

/// Which image each row of a batch belongs to, and how rows are grouped by image for cross-attention.
///
/// While every image has the same number of rows, grouping is a view; after rows have left the batch, shorter groups
/// are filled up with a copy of some row, whose result is dropped.
package struct RowLayout {
    package let images: Int
    package let rowsPerImage: Int
    /// The rows of each image.
    let counts: [Int]
    private let fill: Tensor?
    private let pick: Tensor?

    /// `imageOfRow` in ascending order, each less than `images`.
    package init(_ imageOfRow: [Int], images: Int, on device: Device) throws(TorchError) {
        var rows = [[Int]](repeating: [], count: images)
        for (row, image) in imageOfRow.enumerated() { rows[image].append(row) }
        let longest = rows.map(\.count).max() ?? 0
        counts = rows.map(\.count)
        self.images = images
        rowsPerImage = longest
        if rows.allSatisfy({ $0.count == longest }) {
            (fill, pick) = (nil, nil)
            return
        }
        let fill = rows.flatMap { $0 + [Int](repeating: 0, count: longest - $0.count) }
        let pick = rows.enumerated().flatMap { image, rows in rows.indices.map { image * longest + $0 } }
        self.fill = try Tensor(fill, shape: [fill.count]).to(.int64, on: device)
        self.pick = try Tensor(pick, shape: [pick.count]).to(.int64, on: device)
    }

    /// `[N, ...]` to `[images * rowsPerImage, ...]`.
    func grouped(_ x: Tensor) throws(TorchError) -> Tensor {
        guard let fill else { return x }
        return try x.selecting(0, fill)
    }

    /// `[images * rowsPerImage, ...]` to `[N, ...]`.
    func ungrouped(_ x: Tensor) throws(TorchError) -> Tensor {
        guard let pick else { return x }
        return try x.selecting(0, pick)
    }
}
