package import Tensors

/// The parameters of a model in training: float32, by the names of their checkpoint.
///
/// The model is made of them once, and its layers hold them: an optimizer that changes them in place changes the model.
package struct Parameters {
    /// The names, sorted.
    package let names: [String]
    /// The tensors, in the order of `names`.
    package let tensors: [Tensor]

    private let places: [String: Int]

    /// A copy of `tensors` as parameters on `device`.
    package init(_ tensors: [String: Tensor], on device: Device) throws(TorchError) {
        var made: [String: Tensor] = [:]
        for (name, tensor) in tensors { made[name] = try tensor.to(.float32, on: device).parameter() }
        self.init(made)
    }

    /// `tensors`, which are parameters.
    init(_ tensors: [String: Tensor]) {
        let sorted = tensors.sorted { $0.key < $1.key }
        names = sorted.map(\.key)
        self.tensors = sorted.map(\.value)
        places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    /// The parameter `name`; nil where there is none.
    package subscript(name: String) -> Tensor? { places[name].map { tensors[$0] } }
}
