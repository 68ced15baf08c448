import Layers
import Tensors

/// The places of a Q-Former where dropout acts.
enum DropoutSite: Int {
    case embedding, selfWeights, selfOutput, crossWeights, crossOutput, textOutput, queryOutput

    /// The number of the place in layer `layer`; the embedding belongs to the first.
    func place(_ layer: Int) -> Int { layer * 8 + rawValue }
}

/// Dropout of one pass, with the keys that its layers share.
struct PassDropout {
    private let rates: DropoutRates
    /// A key for each flat row.
    private let hidden: Tensor
    /// Keys for the weights of attention of a row's positions to one another.
    private let own: Tensor
    /// Keys for those of queries to images, for each group of rows.
    private let cross: [Tensor]

    /// Nil where `dropout` drops nothing.
    init?(
        _ dropout: Dropout?, _ pass: PassRows, _ groups: [SeenGroup], heads: Int, on device: Device
    ) throws(TorchError) {
        guard let dropout, dropout.rates != .none else { return nil }
        precondition(dropout.rowKeys.count == pass.rows, "one key a row")
        rates = dropout.rates
        hidden = try dropout.hiddenKeys(pass.places, on: device)
        own = try dropout.attentionKeys(of: 0..<pass.rows, heads: heads, queries: pass.width, on: device)
        var (cross, start): ([Tensor], Int) = ([], 0)
        for group in groups {
            let rows = start..<start + group.rows
            cross.append(
                try dropout.attentionKeys(
                    of: rows, together: group.rowsPerImage, heads: heads, queries: pass.queries, on: device))
            start = rows.upperBound
        }
        self.cross = cross
    }

    /// Drops elements of the states `[·, W]` of the flat rows `rows`.
    func states(_ x: Tensor, _ rows: Range<Int>, _ place: Int) throws(TorchError) -> Tensor {
        guard rates.hidden > 0 else { return x }
        return try x.dropping(rates.hidden, keys: hidden.narrowed(0, rows).contiguous(), place: place)
    }

    /// Drops elements of the states `[·, W]` of the flat rows `index`.
    func states(_ x: Tensor, at index: Tensor, _ place: Int) throws(TorchError) -> Tensor {
        guard rates.hidden > 0 else { return x }
        return try x.dropping(rates.hidden, keys: hidden.selecting(0, index), place: place)
    }

    /// Drops weights `[R, H, T, S]` of attention among a row's own positions, or to the images of group `group`.
    func weights(_ x: Tensor, group: Int? = nil, _ place: Int) throws(TorchError) -> Tensor {
        guard rates.attention > 0 else { return x }
        let shape = x.shape
        let flat = try x.reshaped([shape[0] * shape[1] * shape[2], shape[3]])
        let keys = group.map { cross[$0] } ?? own
        return try flat.dropping(rates.attention, keys: keys, place: place).reshaped(shape)
    }
}
