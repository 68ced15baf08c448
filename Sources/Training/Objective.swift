package import Images
package import ModelFolders
package import Tensors

/// What a model is trained for: which model it is, and how it reads its texts.
package protocol Objective: Sendable {
    /// The folder of the model that training starts from.
    var directory: ModelDirectory { get }
    /// What the model reads of a text, such as a caption; the loader calls it in its own tasks.
    func tokens(of text: String) -> [Int]
    /// Makes the model, with its parameters on `device`; it is made once in a run.
    func model(on device: Device) throws -> any TrainingModel
    /// Writes the trained model into the folder `folder`, which is there, its `parameters` as `dtype`.
    func write(_ parameters: [String: Tensor], as dtype: DType, to folder: String) throws
}

/// What a model is trained for that sees the images of data sets as they are.
package protocol ImageObjective: Objective {
    /// How the model sees an image.
    var view: ImageView { get }
}

extension Objective {
    /// The files of the start, and the weights last: with them the model is whole.
    package func write(_ parameters: [String: Tensor], as dtype: DType, to folder: String) throws {
        try directory.copyDescription(to: folder, dtype: dtype)
        try writeSafetensors(
            parameters.mapValues { try $0.detached().to(dtype) }, to: folder + "/" + RunFolder.modelFile)
    }
}
