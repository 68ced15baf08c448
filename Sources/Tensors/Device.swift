import CTorch

/// Where a tensor lives and is computed.
package enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    /// The CUDA device of this number.
    case cuda(Int)

    /// How many CUDA devices this libtorch can use; 0 for one that was built without CUDA.
    package static var cudaDeviceCount: Int { Int(ct_cuda_device_count()) }

    /// The device that `text` names: `cpu`, `cuda`, `cuda:N`, or `auto` for the first CUDA device where there is one.
    ///
    /// Throws for other texts and for a CUDA device that is not there.
    package init(named text: String) throws(TorchError) {
        if text == "cpu" || (text == "auto" && Self.cudaDeviceCount == 0) {
            self = .cpu
            return
        }
        let number = text == "auto" || text == "cuda" ? "0" : text.hasPrefix("cuda:") ? String(text.dropFirst(5)) : ""
        guard let index = Int(number), index >= 0 else {
            throw TorchError(operation: "device", message: "\(text): not one of auto, cpu, cuda, cuda:N")
        }
        guard index < Self.cudaDeviceCount else {
            throw TorchError(
                operation: "device", message: "\(text): \(Self.cudaDeviceCount) CUDA devices are usable here")
        }
        self = .cuda(index)
    }

    /// Whether the device multiplies bfloat16 in hardware; true of every CUDA device that libtorch still supports well.
    package var hasBFloat16: Bool {
        switch self {
        case .cpu: ct_cpu_has_bfloat16()
        case .cuda: true
        }
    }

    package var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    var code: Int32 {
        switch self {
        case .cpu: Int32(CT_CPU)
        case .cuda(let index): Int32(index)
        }
    }

    init(code: Int32) { self = code < 0 ? .cpu : .cuda(Int(code)) }
}
