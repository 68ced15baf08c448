package import Tensors

// Shape letters of this file: G groups (prompts), R rows of a group, N rows, T new tokens of a row, S tokens of a prompt,
// H heads, D width of a head.

/// Keys and values that all rows of a group attend to, kept once however many rows there are.
///
/// The rows of a group are queries against one block: nothing is copied, and products are matrix by matrix.
package struct SharedKeysValues {
    private let keys: Tensor  // [G, H, S, D]
    private let values: Tensor

    package init(keys: Tensor, values: Tensor) throws(TorchError) {
        self.keys = try keys.contiguous()
        self.values = try values.contiguous()
    }

    /// The tokens of a prompt.
    package var length: Int { keys.shape[2] }

    /// The products of `queries` `[N, H, T, D]` and the keys of their group, with `bias` `[G, 1, 1, S]` added:
    /// `[N, H, T, S]`, float32.
    package func scores(
        _ queries: Tensor, _ layout: RowLayout, bias: Tensor?
    ) throws(TorchError) -> Tensor {
        var scores = try layout.stacked(queries).times(keys.permuted([0, 1, 3, 2])).to(.float32)
        if let bias { scores = try scores + bias }
        return try layout.unstacked(scores, tokens: queries.shape[2])
    }

    /// The sums `[N, H, T, D]` of the values of each row's group, weighted by `weights` `[N, H, T, S]`.
    package func weighted(_ weights: Tensor, _ layout: RowLayout) throws(TorchError) -> Tensor {
        try layout.unstacked(layout.stacked(weights).times(values), tokens: weights.shape[2])
    }

    /// Those of the groups `index`.
    package func selecting(_ index: Tensor) throws(TorchError) -> SharedKeysValues {
        try SharedKeysValues(keys: keys.selecting(0, index), values: values.selecting(0, index))
    }
}

extension RowLayout {
    /// `[N, H, T, D]` to `[G, H, R * T, D]`: the rows of a group one under the other.
    fileprivate func stacked(_ x: Tensor) throws(TorchError) -> Tensor {
        guard rowsPerGroup > 1 else { return try grouped(x) }
        let shape = x.shape
        return try grouped(x).reshaped([groups, rowsPerGroup] + shape.dropFirst()).permuted([0, 2, 1, 3, 4])
            .reshaped([groups, shape[1], rowsPerGroup * shape[2], shape[3]])
    }

    /// The way back.
    fileprivate func unstacked(_ x: Tensor, tokens: Int) throws(TorchError) -> Tensor {
        guard rowsPerGroup > 1 else { return try ungrouped(x) }
        let (heads, width) = (x.shape[1], x.shape[3])
        let rows = try x.reshaped([groups, heads, rowsPerGroup, tokens, width]).permuted([0, 2, 1, 3, 4])
        return try ungrouped(rows.reshaped([groups * rowsPerGroup, heads, tokens, width]))
    }
}

/// The prompts of a batch as its rows see them, in every layer.
package struct PromptMemory {
    package let layers: [SharedKeysValues]
    /// Added to the scores of the prompts' tokens, `[G, 1, 1, S]`, where not all are there.
    package let bias: Tensor?
    /// The prompt of each row, ascending.
    package let promptOfRow: [Int]
    package let layout: RowLayout
    private let device: Device

    /// The memory of rows, one for each prompt.
    package init(
        _ layers: [SharedKeysValues], bias: Tensor?, prompts: Int, on device: Device
    ) throws(TorchError) {
        try self.init(layers, bias, Array(0..<prompts), groups: prompts, device)
    }

    private init(
        _ layers: [SharedKeysValues], _ bias: Tensor?, _ promptOfRow: [Int], groups: Int, _ device: Device
    ) throws(TorchError) {
        (self.layers, self.bias, self.promptOfRow, self.device) = (layers, bias, promptOfRow, device)
        layout = try RowLayout(promptOfRow, groups: groups, on: device)
    }

    /// The memory of the rows `places`; prompts that no row goes on from any more leave.
    package func selecting(_ places: [Int]) throws(TorchError) -> PromptMemory {
        let chosen = places.map { promptOfRow[$0] }
        let left = Array(Set(chosen)).sorted()
        guard left.count < layout.groups else {
            return try PromptMemory(layers, bias, chosen, groups: layout.groups, device)
        }
        let index = try Tensor(left, shape: [left.count]).to(.int64, on: device)
        var selected: [SharedKeysValues] = []
        for layer in layers { selected.append(try layer.selecting(index)) }
        let number = Dictionary(uniqueKeysWithValues: left.enumerated().map { ($1, $0) })
        return try PromptMemory(
            selected, bias?.selecting(0, index), chosen.map { number[$0, default: 0] }, groups: left.count, device)
    }
}
