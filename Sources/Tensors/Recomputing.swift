import CTorch

/// `body` of `x`, of which nothing but `x` is kept for the backward pass: there it is computed again.
///
/// Gradients reach `x`, and parameters that `body` holds; other tensors that it holds are constants, for it must not hold
/// any that were computed from parameters. What `body` draws, it must draw the same the second time. Within `autocast` it is
/// computed again in the same types. Where no gradients are recorded it is `body(x)`.
package func recomputing(
    _ x: Tensor, _ body: @escaping (Tensor) throws(TorchError) -> Tensor
) throws(TorchError) -> Tensor {
    let context = Unmanaged.passRetained(BodyBox(body)).toOpaque()
    return try make("recompute") {
        ct_recompute(x.handle, runBody, releaseBody, context, &$0)
    }
}

/// A function that C++ holds.
private final class BodyBox {
    let body: (Tensor) throws(TorchError) -> Tensor

    init(_ body: @escaping (Tensor) throws(TorchError) -> Tensor) { self.body = body }
}

/// Runs the function in `context` on `x`, which it takes over.
private func runBody(_ context: UnsafeMutableRawPointer?, _ x: ct_tensor_t?, _ out: UnsafeMutablePointer<ct_tensor_t?>?)
    -> Int32
{
    guard let context, let x, let out else { return -1 }
    let box = Unmanaged<BodyBox>.fromOpaque(context).takeUnretainedValue()
    do throws(TorchError) {
        let made = try box.body(Tensor(owning: x))
        return ct_share(made.handle, out)
    } catch {
        return -1
    }
}

private func releaseBody(_ context: UnsafeMutableRawPointer?) {
    if let context { Unmanaged<BodyBox>.fromOpaque(context).release() }
}
