import Layers
import Tensors

/// How much a run trains.
package struct Inventory: Sendable, Equatable {
    /// Tensors that are trained, and their elements.
    package let trainedTensors: Int
    package let trainedParameters: Int

    /// Parameters whose learning rate is multiplied by something else than 1, and the least factor.
    package let slowedParameters: Int
    package let lowestFactor: Double

    init(_ model: any TrainingModel) {
        trainedTensors = model.parameters.tensors.count
        trainedParameters = model.parameters.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        let slowed = model.groups(decay: 0).filter { $0.rateFactor != 1 }
        let parameters = model.parameters
        slowedParameters = slowed.flatMap(\.names).reduce(0) {
            $0 + (parameters[$1]?.shape.reduce(1, *) ?? 0)
        }
        lowestFactor = slowed.map(\.rateFactor).min() ?? 1
    }

    /// The bytes that training holds of what is trained: each parameter, its gradient and the optimizer's two means, in
    /// float32.
    package var trainedBytes: Int { trainedParameters * 16 }
}
