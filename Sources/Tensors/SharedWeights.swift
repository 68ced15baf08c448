import CTorch

/// A model that several engines read at the same time.
///
/// `@unchecked Sendable` because the tensors inside are never written after loading, libtorch counts references to them
/// atomically and its operators may read one tensor from many threads. `Model` is a struct of weights and constants.
package final class SharedWeights<Model>: @unchecked Sendable {
    private let model: Model

    /// Takes over `model`: the caller keeps no tensor of it that it could write to.
    package init(_ model: Model) { self.model = model }

    /// Runs `body` on the model, without recording gradients; only values that may travel leave.
    package func infer<Value: Sendable, Failure: Error>(
        _ body: (Model) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try inference { () throws(Failure) -> Value in try body(model) }
    }
}

/// Runs `body` without recording gradients; tensors made in it cannot take part in training later.
package func inference<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    let guarding = ct_inference_begin()
    defer { ct_inference_end(guarding) }
    return try body()
}
