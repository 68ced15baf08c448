package import Tensors

/// The parameters of a model in training: float32, by the names of their checkpoint.
///
/// A model is made of them anew for each step, `Model(configuration, Weights(parameters))`: that costs little, and what
/// is put together from parameters, such as fused projections, is then part of the step's gradients.
package struct Parameters {
    /// The names, sorted.
    package let names: [String]
    /// The tensors, in the order of `names`.
    package let tensors: [Tensor]

    private let places: [String: Int]

    /// A copy of `tensors` as parameters on `device`.
    package init(_ tensors: [String: Tensor], on device: Device) throws(TorchError) {
        names = tensors.keys.sorted()
        places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var made: [Tensor] = []
        for (_, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            made.append(try tensor.to(.float32, on: device).parameter())
        }
        self.tensors = made
    }

    /// The parameters that `build` asks its weights for, with the values of `checkpoint`.
    ///
    /// `build` makes a model of the weights it is given, and throws what it would throw for weights that do not fit.
    package init(
        of checkpoint: Checkpoint, on device: Device, _ build: (Weights) throws(WeightsError) -> Void
    ) throws(WeightsError) {
        let weights = Weights(checkpoint, DType.float32, on: .cpu)
        try build(weights)
        var tensors: [String: Tensor] = [:]
        for (name, _) in weights.recorded {
            do {
                tensors[name] = try checkpoint.tensor(name)
            } catch {
                throw WeightsError(
                    code: .unreadable, file: checkpoint.file(of: name), key: name, message: "\(error)")
            }
        }
        self = try preparing("parameters") { () throws(TorchError) in try Parameters(tensors, on: device) }
    }

    /// The parameter `name`; nil where there is none.
    package subscript(name: String) -> Tensor? { places[name].map { tensors[$0] } }
}
