package import Captioning
package import Layers
package import Loading
package import Tensors

/// What a model is trained for: which parameters it has, and the loss of a batch.
package protocol Objective: Sendable {
    /// The folder of the model that training starts from.
    var directory: ModelDirectory { get }
    /// How the model sees an image.
    var view: ImageView { get }
    /// Makes the model of `weights`, to learn which parameters it has and whether they fit.
    func build(_ weights: Weights) throws(WeightsError)
    /// The loss of `batch` for the model of `parameters`, a scalar that gradients can be taken of.
    func loss(_ batch: TrainingBatch, _ parameters: Parameters, on device: Device) throws -> Tensor
    /// Brings parameters back into their bounds after a step.
    func constrain(_ parameters: Parameters) throws(TorchError)
}
