package import Tensors

/// The parameters under one name of a checkpoint, handed out by name with their shapes checked.
///
/// Names are those of PyTorch modules: `scoped("encoder")` sees `encoder.weight` as `weight`.
package struct Weights {
    private let source: Source
    private let prefix: String
    /// Whether linear layers pack their weights (`PackedWeight`), and for inputs of about how many rows.
    package let packingRows: Int?
    /// Whether linear layers that pack their weights round them to 8-bit integers.
    package let usesInt8: Bool

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

    /// The parameters of a model in training, as they are: layers made of them record gradients.
    package init(_ parameters: Parameters) {
        self.init(ParameterSource(parameters), prefix: "", packingRows: nil, usesInt8: false)
    }

    /// No values, only a list of what a model asks for, which `recorded` returns afterwards.
    package static func recording() -> Weights {
        Weights(RecordingSource(), prefix: "", packingRows: nil, usesInt8: false)
    }

    private init(_ source: Source, prefix: String, packingRows: Int?, usesInt8: Bool) {
        self.source = source
        self.prefix = prefix
        self.packingRows = packingRows
        self.usesInt8 = usesInt8
    }

    /// The parameters whose names begin with this one's prefix, `name` and a dot.
    package func scoped(_ name: String) -> Weights {
        Weights(source, prefix: prefix + name + ".", packingRows: packingRows, usesInt8: usesInt8)
    }

    /// The same parameters for layers that pack their weights for inputs of about `rows` rows.
    package func packed(rows: Int) -> Weights {
        Weights(source, prefix: prefix, packingRows: source.canPack ? rows : nil, usesInt8: usesInt8)
    }

    /// The parameter `name`, which must have `shape`.
    package func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        try source.tensor(prefix + name, shape)
    }

    /// Whether the checkpoint has a parameter `name`.
    ///
    /// False while a model is only asked which parameters it needs: one that it can do without is not among them.
    package func has(_ name: String) -> Bool { source.has(prefix + name) }

    /// The parameters `names`, each of `shape`, one after the other along the first dimension.
    package func fused(_ names: [String], _ shape: [Int]) throws(WeightsError) -> Tensor {
        try source.fused(names.map { prefix + $0 }, shape)
    }

    /// Throws when the checkpoint holds tensors that were not asked for, those aside for which `ignoring` is true.
    package func finish(ignoring: (String) -> Bool) throws(WeightsError) { try source.finish(ignoring) }

    /// The names and shapes that were asked for, in order.
    package var recorded: [(name: String, shape: [Int])] { source.asked }
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

/// Where parameters come from, and which were asked for.
private class Source {
    var asked: [(name: String, shape: [Int])] = []
    /// Whether layers may keep the values in another layout.
    var canPack: Bool { true }

    func has(_ name: String) -> Bool { false }
    func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor { preconditionFailure("abstract") }
    func fused(_ names: [String], _ shape: [Int]) throws(WeightsError) -> Tensor { preconditionFailure("abstract") }
    func finish(_ ignoring: (String) -> Bool) throws(WeightsError) {}
}

private final class CheckpointSource: Source {
    private let checkpoint: Checkpoint
    private let dtype: DType
    private let device: Device
    private var copiedByteCount = 0

    init(_ checkpoint: Checkpoint, _ dtype: DType, _ device: Device) {
        self.checkpoint = checkpoint
        self.dtype = dtype
        self.device = device
    }

    override func has(_ name: String) -> Bool { checkpoint.shape(of: name) != nil }

    /// Counts `byteCount` bytes of the file that were copied, and now and then gives the memory of the file back.
    private func release(_ byteCount: Int) {
        copiedByteCount += byteCount
        guard copiedByteCount > 64 << 20 else { return }
        checkpoint.releasePages()
        copiedByteCount = 0
    }

    override func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        asked.append((name, shape))
        guard let found = checkpoint.shape(of: name) else {
            throw error(.missing, name, "the model needs it, with shape \(shape)")
        }
        guard found == shape else {
            throw error(.wrongShape, name, "shape \(found), but the configuration says \(shape)")
        }
        let (tensor, stored, isFinite): (Tensor, DType, Bool)
        do {
            let read = try checkpoint.tensor(name)
            stored = read.dtype
            tensor = try read.to(dtype, on: device)
            isFinite = try tensor.isFinite().isAllTrue()
        } catch let error as SafetensorsError {
            throw self.error(.unreadable, name, error.message)
        } catch {
            throw self.error(.unreadable, name, "\(error)")
        }
        guard stored.isFloatingPoint else {
            throw error(
                .unreadable, name, "elements of type \(stored.rawValue): quantized weights are not computed with")
        }
        guard isFinite else { throw error(.notFinite, name, notFinite(stored)) }
        if stored != tensor.dtype || device != .cpu { release(shape.reduce(stored.byteCount, *)) }
        return tensor
    }

    private func notFinite(_ stored: DType) -> String {
        dtype == .float16 && stored != .float16
            ? "numbers that are not finite in float16: take another precision"
            : "numbers that are not finite (NaN or infinite): the model was damaged in training or on the way"
    }

    override func fused(_ names: [String], _ shape: [Int]) throws(WeightsError) -> Tensor {
        var parts: [Tensor] = []
        for name in names { parts.append(try tensor(name, shape)) }
        return try preparing(names[0], of: checkpoint.file(of: names[0])) { () throws(TorchError) in
            try concatenated(parts, dimension: 0)
        }
    }

    override func finish(_ ignoring: (String) -> Bool) throws(WeightsError) {
        let known = Set(asked.map(\.name))
        let extra = checkpoint.names.filter { !known.contains($0) && !ignoring($0) }
        guard let first = extra.first else { return }
        let others = extra.count > 1 ? ", and \(extra.count - 1) more like it" : ""
        throw error(.unexpected, first, "not a parameter of this model\(others)")
    }

    private func error(_ code: WeightsError.Code, _ name: String, _ message: String) -> WeightsError {
        WeightsError(code: code, file: checkpoint.file(of: name), key: name, message: message)
    }
}

private final class ParameterSource: Source {
    private let parameters: Parameters

    init(_ parameters: Parameters) { self.parameters = parameters }

    override var canPack: Bool { false }

    override func has(_ name: String) -> Bool { parameters[name] != nil }

    override func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        guard let tensor = parameters[name] else {
            throw WeightsError(code: .missing, file: "", key: name, message: "the model needs it, with shape \(shape)")
        }
        precondition(tensor.shape == shape, "\(name) was made for another model")
        return tensor
    }

    override func fused(_ names: [String], _ shape: [Int]) throws(WeightsError) -> Tensor {
        var parts: [Tensor] = []
        for name in names { parts.append(try tensor(name, shape)) }
        return try preparing(names[0]) { () throws(TorchError) in try concatenated(parts, dimension: 0) }
    }
}

private final class RecordingSource: Source {
    override var canPack: Bool { false }

    override func tensor(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        asked.append((name, shape))
        return try placeholder(name, shape)
    }

    override func fused(_ names: [String], _ shape: [Int]) throws(WeightsError) -> Tensor {
        asked += names.map { ($0, shape) }
        return try placeholder(names[0], [shape[0] * names.count] + shape.dropFirst())
    }

    /// One zero seen as a tensor of any size.
    private func placeholder(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        try preparing(name) { () throws(TorchError) in
            try Tensor([Float(0)], shape: shape.map { _ in 1 }).expanded(shape)
        }
    }
}
