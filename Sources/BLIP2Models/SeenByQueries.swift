import Layers
package import Tensors

// Shape letters of this file: B images, S tokens of an image, D width of the Q-Former.

/// Images as a Q-Former's queries see them: keys and values `[B, S, 2D]` for every layer that attends to them.
///
/// Made once an image and shared by all passes over it.
package struct SeenByQueries {
    let layers: [Tensor]

    /// The number of images.
    package var count: Int { layers.first?.shape[0] ?? 0 }

    /// The bytes of memory that they take.
    package var byteCount: Int { layers.reduce(0) { $0 + $1.count * $1.dtype.byteCount } }

    /// The images `indices`, in that order; gradients flow back to those they came from.
    package func selecting(_ indices: [Int]) throws(TorchError) -> SeenByQueries {
        guard indices != Array(0..<count) else { return self }
        var selected: [Tensor] = []
        for layer in layers {
            let index = try Tensor(indices, shape: [indices.count]).to(.int64, on: layer.device)
            selected.append(try layer.selecting(0, index))
        }
        return SeenByQueries(layers: selected)
    }

    /// The same as constants, to which no gradients flow.
    package func detached() throws(TorchError) -> SeenByQueries {
        var constants: [Tensor] = []
        for layer in layers { constants.append(try layer.detached()) }
        return SeenByQueries(layers: constants)
    }

    /// These images, then `others`.
    package func followed(by others: SeenByQueries) throws(TorchError) -> SeenByQueries {
        var joined: [Tensor] = []
        for (own, other) in zip(layers, others.layers) {
            joined.append(try concatenated([own, other], dimension: 0))
        }
        return SeenByQueries(layers: joined)
    }
}

/// Images and the rows that look at them: the first `rowsPerImage` rows at the first image, and so on.
package struct SeenGroup {
    let images: SeenByQueries
    let rowsPerImage: Int

    package init(_ images: SeenByQueries, rowsPerImage: Int = 1) {
        (self.images, self.rowsPerImage) = (images, rowsPerImage)
    }

    var rows: Int { images.count * rowsPerImage }
}
