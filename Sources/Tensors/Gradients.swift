import CTorch

// What training needs of libtorch: parameters, gradients, the optimizer's step.
extension Tensor {
    /// A copy that requires gradients: what is computed from it, outside `inference`, records how.
    package func parameter() throws(TorchError) -> Tensor { try make("parameter") { ct_parameter(handle, &$0) } }

    /// The same elements, taking no part in gradients.
    package func detached() throws(TorchError) -> Tensor { try make("detach") { ct_detach(handle, &$0) } }

    /// Adds the gradients of this scalar to those of all parameters that it was computed from, outside `autocast`.
    package func backward() throws(TorchError) { try perform("backward") { ct_backward(handle) } }

    /// The gradient of a parameter; zeros where none has come.
    package func gradient() throws(TorchError) -> Tensor { try make("gradient") { ct_gradient(handle, &$0) } }

    /// Limits the elements to `range`, in place, also where they are a parameter's.
    package func clamp(to range: ClosedRange<Double>) throws(TorchError) {
        try perform("clamp_") { ct_clamp_in_place(handle, range.lowerBound, range.upperBound) }
    }

    /// The last dimension as probabilities.
    package func softmax() throws(TorchError) -> Tensor { try make("softmax") { ct_softmax(handle, &$0) } }

    /// The largest of the last dimension, which goes away; the gradient goes to the first that is largest.
    package func maximum() throws(TorchError) -> Tensor { try make("max") { ct_maximum(handle, &$0) } }

    /// The matrix product in the operands' own type, also within `autocast`.
    package func exactlyTimes(_ other: Tensor) throws(TorchError) -> Tensor {
        try make("matmul") { ct_matmul_exact(handle, other.handle, &$0) }
    }

    /// This `[rows, n]` with each element set to 0 with chance `rate`, the others divided by 1 − `rate`.
    ///
    /// What is dropped of a row is decided by its key in `keys` (int64 `[rows]`), by `place` and by the element's number:
    /// the same on every device, whatever else is in the tensor. `byKernel` false draws on the processor as devices do.
    package func dropping(
        _ rate: Double, keys: Tensor, place: Int, byKernel: Bool = true
    ) throws(TorchError) -> Tensor {
        try make("dropout") { ct_dropout(handle, keys.handle, Int64(place), rate, byKernel, &$0) }
    }

    /// The logarithms of `softmax`.
    package func logSoftmax() throws(TorchError) -> Tensor { try make("log_softmax") { ct_log_softmax(handle, &$0) } }

    /// The mean of all elements, a scalar.
    package func mean() throws(TorchError) -> Tensor { try make("mean") { ct_mean(handle, &$0) } }
}

/// The mean cross-entropy of `logits` `[N, V]` against `classes` (int64 `[N]`); `smoothing`, 0 to 1, is the share of
/// the target that is spread over all classes.
package func crossEntropy(_ logits: Tensor, _ classes: Tensor, smoothing: Double = 0) throws(TorchError) -> Tensor {
    try make("cross_entropy") { ct_cross_entropy(logits.handle, classes.handle, smoothing, &$0) }
}

/// Drops the gradients of `parameters`.
package func clearGradients(_ parameters: [Tensor]) throws(TorchError) {
    let handles: [ct_tensor_t?] = parameters.map(\.handle)
    try withExtendedLifetime(parameters) { () throws(TorchError) in
        try perform("clear_gradients") { ct_clear_gradients(handles, Int32(handles.count)) }
    }
}

/// Multiplies the gradients of `parameters` by `factor`, in place.
package func scaleGradients(_ parameters: [Tensor], by factor: Double) throws(TorchError) {
    let handles: [ct_tensor_t?] = parameters.map(\.handle)
    try withExtendedLifetime(parameters) { () throws(TorchError) in
        try perform("scale_gradients") { ct_scale_gradients(handles, Int32(handles.count), factor) }
    }
}

/// The length of the gradients of `parameters` as one vector; they are scaled to `limit` where it is longer, unless
/// `limit` is 0.
package func clipGradients(_ parameters: [Tensor], limit: Double) throws(TorchError) -> Double {
    let handles: [ct_tensor_t?] = parameters.map(\.handle)
    var norm = 0.0
    try withExtendedLifetime(parameters) { () throws(TorchError) in
        try perform("clip_gradients") { ct_clip_gradients(handles, Int32(handles.count), limit, &norm) }
    }
    return norm
}

/// Runs `body` with matrix products in `dtype`, parameters and sums in their own type, as PyTorch's autocast does.
///
/// float32 changes nothing.
package func autocast<Value>(
    _ dtype: DType, on device: Device, _ body: () throws -> Value
) throws -> Value {
    guard dtype != .float32 else { return try body() }
    try perform("autocast") { ct_autocast_begin(dtype.code, device.code) }
    defer { ct_autocast_end(device.code) }
    return try body()
}

/// Runs `body`, which is called within `autocast` to `dtype`, outside of it: everything has the element type that it is given.
package func pausingAutocast<Value, Failure: Error>(
    _ dtype: DType, on device: Device, _ body: () throws(Failure) -> Value
) throws(Failure) -> Value {
    guard dtype != .float32 else { return try body() }
    ct_autocast_end(device.code)
    // It began before with the same values, so it begins again.
    defer { _ = ct_autocast_begin(dtype.code, device.code) }
    return try body()
}

/// Runs `body` without recording gradients and without `autocast`; what is made in it may take part in training, as a
/// constant.
package func withoutGradients<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    let guarding = ct_constant_begin()
    defer { ct_constant_end(guarding) }
    return try body()
}
