import CTorch

/// A CUDA stream: an engine that has its own overlaps its copies and its arithmetic with those of other engines.
final class DeviceStream {
    private let stream: UnsafeMutableRawPointer

    /// A stream of `device`; nil on the processor, and where libtorch or the shim know no streams: all engines then share
    /// the device's default one, which is right and slower.
    init?(of device: Device) {
        var made: UnsafeMutableRawPointer?
        guard device != .cpu, ct_stream_make(device.code, &made) == 0, let made else { return nil }
        stream = made
    }

    deinit { ct_stream_free(stream) }

    /// What `body` starts is computed on this stream.
    func run<Value>(_ body: () throws -> Value) throws -> Value {
        try perform("stream") { ct_stream_begin(stream) }
        defer { ct_stream_end(stream) }
        return try body()
    }
}

extension Device {
    /// Waits for everything that was started on the device; streams do not wait for each other by themselves.
    package func synchronize() throws(TorchError) {
        guard self != .cpu, ct_cuda_is_built() else { return }
        try perform("synchronize") { ct_synchronize(code) }
    }

    /// Gives memory that libtorch keeps in reserve back to the device.
    func emptyCache() throws(TorchError) {
        guard self != .cpu else { return }
        try perform("empty cache") { ct_cuda_empty_cache() }
    }

    /// Lets no attention be computed by cuDNN in this process.
    package static func avoidCuDNNAttention() { ct_cuda_use_cudnn_attention(false) }

    /// The number of the stream that the calling thread uses on the device; 0 for the default one.
    package var currentStream: Int { self == .cpu ? 0 : Int(ct_stream_current(code)) }

    /// Bytes of memory that are free on a CUDA device, what libtorch holds in reserve counted; nil where nobody can tell.
    package var availableByteCount: Int? {
        var (available, total): (Int64, Int64) = (0, 0)
        guard self != .cpu, ct_cuda_memory(code, &available, &total) == 0 else { return nil }
        return Int(available)
    }
}

extension Tensor {
    /// A uint8 tensor of `values` in row order on `device`; the copy to a CUDA device goes on behind the caller's back.
    package static func uploading(
        _ values: [UInt8], shape: [Int], to device: Device
    ) throws(TorchError) -> Tensor {
        try upload(values, as: .uint8, shape, device)
    }

    /// A float64 tensor of `values` in row order on `device`; otherwise the same.
    package static func uploading(
        _ values: [Double], shape: [Int], to device: Device
    ) throws(TorchError) -> Tensor {
        try upload(values, as: .float64, shape, device)
    }

    private static func upload<Element>(
        _ values: [Element], as dtype: DType, _ shape: [Int], _ device: Device
    ) throws(TorchError) -> Tensor {
        precondition(values.count == shape.reduce(1, *), "shape \(shape) does not hold \(values.count) values")
        let sizes = shape.map(Int64.init)
        return try make("upload") { out in
            values.withUnsafeBytes {
                ct_upload($0.baseAddress, dtype.code, sizes, Int32(sizes.count), device.code, &out)
            }
        }
    }
}
