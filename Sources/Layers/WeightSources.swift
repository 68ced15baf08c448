import Files
import Tensors

/// Where parameters come from, and which were asked for.
class WeightSource {
    var asked: [(name: String, shape: [Int])] = []
    /// Whether layers may keep the values in another layout.
    var keepsLayouts: Bool { true }
    var parameters: Parameters { preconditionFailure("only weights to train are parameters") }

    func has(_ name: String) -> Bool { false }
    /// The parameter `name` of `shape`, in the element type `dtype` where that is given.
    func tensor(_ name: String, _ shape: [Int], _ dtype: DType?) throws(WeightsError) -> Tensor {
        preconditionFailure("abstract")
    }
    func finish(_ ignoring: (String) -> Bool) throws(WeightsError) {}
}

class CheckpointSource: WeightSource {
    private let checkpoint: Checkpoint
    /// The element type of what is handed out; nil is that of the checkpoint.
    private let dtype: DType?
    private let device: Device
    private var readByteCount = 0

    init(_ checkpoint: Checkpoint, _ dtype: DType?, _ device: Device) {
        self.checkpoint = checkpoint
        self.dtype = dtype
        self.device = device
    }

    override func has(_ name: String) -> Bool { checkpoint.shape(of: name) != nil }

    /// Counts `byteCount` bytes of the file that were read, and now and then gives memory back: what was read before was
    /// converted or packed by now, mostly, and what was not is read again when it is used.
    private func release(_ byteCount: Int) {
        readByteCount += byteCount
        guard readByteCount > 64 << 20 else { return }
        checkpoint.releasePages()
        returnFreedMemory()
        readByteCount = 0
    }

    override func tensor(_ name: String, _ shape: [Int], _ wanted: DType?) throws(WeightsError) -> Tensor {
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
            tensor = try read.to(wanted ?? dtype ?? stored, on: device)
            isFinite = try tensor.isFinite().isAllTrue()
        } catch let error as CheckpointError {
            throw self.error(.unreadable, name, error.message)
        } catch {
            throw self.error(.unreadable, name, "\(error)")
        }
        guard stored.isFloatingPoint else {
            throw error(
                .unreadable, name, "elements of type \(stored.rawValue): quantized weights are not computed with")
        }
        guard isFinite else { throw error(.notFinite, name, notFinite(stored)) }
        release(shape.reduce(stored.byteCount, *))
        return tensor
    }

    private func notFinite(_ stored: DType) -> String {
        dtype == .float16 && stored != .float16
            ? "numbers that are not finite in float16: take another precision"
            : "numbers that are not finite (NaN or infinite): the model was damaged in training or on the way"
    }

    override func finish(_ ignoring: (String) -> Bool) throws(WeightsError) {
        let known = Set(asked.map(\.name))
        let extra = checkpoint.names.filter { !known.contains($0) && !ignoring($0) }
        guard let first = extra.first else { return }
        let others = extra.count > 1 ? ", and \(extra.count - 1) more like it" : ""
        throw error(.unexpected, first, "not a parameter of this model\(others)")
    }

    func file(of name: String) -> String { checkpoint.file(of: name) }

    private func error(_ code: WeightsError.Code, _ name: String, _ message: String) -> WeightsError {
        WeightsError(
            code: code, file: checkpoint.file(of: name), key: checkpoint.storedName(of: name), message: message)
    }
}

/// Parameters made of a checkpoint's tensors as they are asked for.
final class TrainedSource: CheckpointSource {
    private var made: [String: Tensor] = [:]
    /// Tensors of the checkpoint that the model is not to see.
    var hidden: Set<String> = []

    override func has(_ name: String) -> Bool { !hidden.contains(name) && super.has(name) }

    override var keepsLayouts: Bool { false }
    override var parameters: Parameters { Parameters(made) }

    override func tensor(_ name: String, _ shape: [Int], _ dtype: DType?) throws(WeightsError) -> Tensor {
        if let tensor = made[name] { return tensor }  // tied: two layers have it in common
        let value = try super.tensor(name, shape, dtype)
        let tensor = try preparing(name, of: file(of: name)) { () throws(TorchError) in try value.parameter() }
        made[name] = tensor
        return tensor
    }
}

final class ParameterSource: WeightSource {
    private let held: Parameters

    init(_ parameters: Parameters) { held = parameters }

    override var keepsLayouts: Bool { false }

    override var parameters: Parameters { held }

    override func has(_ name: String) -> Bool { held[name] != nil }

    override func tensor(_ name: String, _ shape: [Int], _ dtype: DType?) throws(WeightsError) -> Tensor {
        guard let tensor = held[name] else {
            throw WeightsError(code: .missing, file: "", key: name, message: "the model needs it, with shape \(shape)")
        }
        precondition(tensor.shape == shape, "\(name) was made for another model")
        return tensor
    }
}

final class RecordingSource: WeightSource {
    override var keepsLayouts: Bool { false }

    override func tensor(_ name: String, _ shape: [Int], _ dtype: DType?) throws(WeightsError) -> Tensor {
        asked.append((name, shape))
        return try placeholder(name, shape)
    }

    /// One zero seen as a tensor of any size.
    private func placeholder(_ name: String, _ shape: [Int]) throws(WeightsError) -> Tensor {
        try preparing(name) { () throws(TorchError) in
            try Tensor([Float(0)], shape: shape.map { _ in 1 }).expanded(shape)
        }
    }
}
