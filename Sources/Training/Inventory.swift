import Layers
import Tensors

/// How much a run trains.
package struct Inventory: Sendable, Equatable {
    /// Tensors that are trained, and their elements.
    package let trainedTensors: Int
    package let trainedParameters: Int

    init(_ model: any TrainingModel) {
        trainedTensors = model.parameters.tensors.count
        trainedParameters = model.parameters.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    /// The bytes that training holds of what is trained: each parameter, its gradient and the optimizer's two means, in
    /// float32.
    package var trainedBytes: Int { trainedParameters * 16 }
}
