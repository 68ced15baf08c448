import Layers
import Tensors

/// What a run trains and what it leaves as it is.
package struct Inventory: Sendable, Equatable {
    /// Tensors that are trained, and their elements.
    package let trainedTensors: Int
    package let trainedParameters: Int
    /// The frozen parts.
    package let frozen: [FrozenWeights]

    init(_ model: any TrainingModel) {
        trainedTensors = model.parameters.tensors.count
        trainedParameters = model.parameters.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        frozen = model.frozen
    }

    /// The bytes that training holds of what is trained: each parameter, its gradient and the optimizer's two means, in
    /// float32.
    package var trainedBytes: Int { trainedParameters * 16 }
}
