package import Tensors

/// The parameters under one name of a checkpoint, handed out by name with their shapes checked.
///
/// Names are those of PyTorch modules: `scoped("encoder")` sees `encoder.weight` as `weight`.
package struct Weights {
    private let source: WeightSource
    private let prefix: String
    /// Whether linear layers pack their weights (`PackedWeight`), and for inputs of about how many rows.
    package let packingRows: Int?
    /// Whether linear layers that pack their weights round them to 8-bit integers.
    package let usesInt8: Bool
    /// The element type of what is handed out, where it is not the source's own.
    private var dtype: DType?

    /// The parameters of `checkpoint`, as `dtype` on `device`.
    package init(_ checkpoint: Checkpoint, _ dtype: DType, on device: Device) {
        self.init(CheckpointSource(checkpoint, dtype, device), prefix: "", packingRows: nil, usesInt8: false)
    }

    /// The parameters of `checkpoint` for `precision` on `device`.
    package init(_ checkpoint: Checkpoint, _ precision: Precision, on device: Device) {
        self.init(
            CheckpointSource(checkpoint, precision.dtype(on: device), device), prefix: "", packingRows: nil,
            usesInt8: precision == .int8)
    }

    /// The parameters of `checkpoint` on `device`, each in the element type that it has there.
    package init(asStored checkpoint: Checkpoint, on device: Device) {
        self.init(CheckpointSource(checkpoint, nil, device), prefix: "", packingRows: nil, usesInt8: false)
    }

    /// The parameters of a model in training, as they are: layers made of them record gradients.
    package init(_ parameters: Parameters) {
        self.init(ParameterSource(parameters), prefix: "", packingRows: nil, usesInt8: false)
    }

    /// Parameters to train, float32 on `device`, with the values of `checkpoint`.
    ///
    /// What layers ask for becomes a parameter; `parameters` gives them all when the model is made. The model does not see the
    /// tensors `hidden`: copies of others, which stay their copies.
    package init(training checkpoint: Checkpoint, on device: Device, hiding hidden: Set<String> = []) {
        let source = TrainedSource(checkpoint, .float32, device)
        source.hidden = hidden
        self.init(source, prefix: "", packingRows: nil, usesInt8: false)
    }

    /// No values, only a list of what a model asks for, which `recorded` returns afterwards.
    package static func recording() -> Weights {
        Weights(RecordingSource(), prefix: "", packingRows: nil, usesInt8: false)
    }

    private init(
        _ source: WeightSource, prefix: String, packingRows: Int?, usesInt8: Bool, dtype: DType? = nil
    ) {
        self.source = source
        self.prefix = prefix
        self.packingRows = packingRows
        self.usesInt8 = usesInt8
        self.dtype = dtype
    }

    /// The parameters whose names begin with this one's prefix, `name` and a dot.
    package func scoped(_ name: String) -> Weights {
        Weights(source, prefix: prefix + name + ".", packingRows: packingRows, usesInt8: usesInt8, dtype: dtype)
    }

    /// The same parameters in float32, whatever the others are handed out in.
    package func inFloat32() -> Weights {
        Weights(source, prefix: prefix, packingRows: packingRows, usesInt8: false, dtype: .float32)
    }

    /// The same parameters for layers that pack their weights for inputs of about `rows` rows.
    package func packed(rows: Int) -> Weights {
        Weights(
            source, prefix: prefix, packingRows: source.keepsLayouts ? rows : nil, usesInt8: usesInt8, dtype: dtype)
    }

    /// The parameter `name`, which must have `shape`.
    package func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        try source.tensor(prefix + name, shape, dtype)
    }

    /// Whether the checkpoint has a parameter `name`.
    ///
    /// False while a model is only asked which parameters it needs: one that it can do without is not among them.
    package func has(_ name: String) -> Bool { source.has(prefix + name) }

    /// The parameters `names`, each of `shape`, in their order.
    package func tensors(_ names: [String], _ shape: [Int]) throws(WeightsError) -> [Tensor] {
        var tensors: [Tensor] = []
        for name in names { tensors.append(try tensor(name, shape)) }
        return tensors
    }

    /// Whether what layers put together of several parameters, or lay out anew, is made once and kept, as in inference.
    ///
    /// In training it is made at every call: values change from step to step, and gradients are those of the parameters.
    package var keepsLayouts: Bool { source.keepsLayouts }

    /// Throws when the checkpoint holds tensors that were not asked for, those aside for which `ignoring` is true.
    package func finish(ignoring: (String) -> Bool) throws(WeightsError) { try source.finish(ignoring) }

    /// The names and shapes that were asked for, in order.
    package var recorded: [(name: String, shape: [Int])] { source.asked }

    /// The parameters that were handed out; of weights to train alone.
    package var parameters: Parameters { source.parameters }
}

/// Runs `body`, which makes the parameter `key` ready for use; a failure of libtorch becomes one of that parameter.
package func preparing<Value>(
    _ key: String, of file: String = "", _ body: () throws(TorchError) -> Value
) throws(WeightsError) -> Value {
    do {
        return try body()
    } catch {
        throw WeightsError(code: .unreadable, file: file, key: key, message: error.description)
    }
}
