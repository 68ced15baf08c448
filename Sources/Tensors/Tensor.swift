import CTorch

/// A handle on a libtorch tensor; copies of the handle share the storage, as in PyTorch.
///
/// Not `Sendable` on purpose: a tensor stays on the thread that made it, weights apart (`SharedWeights`).
package final class Tensor {
    let handle: ct_tensor_t

    init(owning handle: ct_tensor_t) { self.handle = handle }
    deinit { ct_free(handle) }

    /// A float32 tensor of `values` in row order.
    package convenience init(_ values: [Float], shape: [Int]) throws(TorchError) {
        try self.init(copying: values, as: .float32, shape: shape)
    }

    /// An int64 tensor of `values` in row order, such as token ids.
    package convenience init(_ values: [Int], shape: [Int]) throws(TorchError) {
        try self.init(copying: values.map(Int64.init), as: .int64, shape: shape)
    }

    /// A uint8 tensor of `values` in row order, such as pixels.
    package convenience init(_ values: [UInt8], shape: [Int]) throws(TorchError) {
        try self.init(copying: values, as: .uint8, shape: shape)
    }

    private init<Element>(copying values: [Element], as dtype: DType, shape: [Int]) throws(TorchError) {
        precondition(values.count == shape.reduce(1, *), "shape \(shape) does not hold \(values.count) values")
        var out: ct_tensor_t?
        let sizes = shape.map(Int64.init)
        try perform("tensor") {
            values.withUnsafeBytes { ct_from_bytes($0.baseAddress, dtype.code, sizes, Int32(sizes.count), &out) }
        }
        guard let out else { throw TorchError(operation: "tensor", message: "no memory") }
        handle = out
    }

    /// A tensor whose elements are not set yet.
    package static func empty(_ shape: [Int], _ dtype: DType, on device: Device) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        return try make("empty") { ct_empty(sizes, Int32(sizes.count), dtype.code, device.code, &$0) }
    }

    /// The sizes of the dimensions.
    package var shape: [Int] { (0..<ct_rank(handle)).map { Int(ct_size(handle, $0)) } }

    /// The number of elements.
    package var count: Int { shape.reduce(1, *) }

    package var dtype: DType {
        guard let dtype = DType(code: ct_dtype(handle)) else {
            preconditionFailure("no operation here makes a tensor of another element type")
        }
        return dtype
    }

    package var device: Device { Device(code: ct_device(handle)) }

    /// The elements in row order, as float32.
    package func floats() throws(TorchError) -> [Float] {
        let source = try to(.float32)
        return try source.elements(repeating: 0)
    }

    /// The elements in row order; the tensor is int64.
    package func integers() throws(TorchError) -> [Int] {
        precondition(dtype == .int64, "\(dtype) is not int64")
        return try elements(repeating: Int64(0)).map(Int.init)
    }

    /// The elements in row order; the tensor is float64.
    package func doubles() throws(TorchError) -> [Double] {
        precondition(dtype == .float64, "\(dtype) is not float64")
        return try elements(repeating: 0)
    }

    /// The elements' bytes in row order.
    package func bytes() throws(TorchError) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count * dtype.byteCount)
        try copyBytes(to: &out)
        return out
    }

    private func elements<Element>(repeating zero: Element) throws(TorchError) -> [Element] {
        var out = [Element](repeating: zero, count: count)
        try copyBytes(to: &out)
        return out
    }

    private func copyBytes<Element>(to out: inout [Element]) throws(TorchError) {
        var status: Int32 = 0
        out.withUnsafeMutableBytes { status = ct_copy_bytes(handle, $0.baseAddress, $0.count) }
        try perform("copy") { status }
    }
}
