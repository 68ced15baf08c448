package import Images
package import ModelFolders
package import Tensors

/// What a model is trained for: which model it is, and how it sees its images.
package protocol Objective: Sendable {
    /// The folder of the model that training starts from.
    var directory: ModelDirectory { get }
    /// How the model sees an image.
    var view: ImageView { get }
    /// What the model reads of a caption; the loader calls it in its own tasks.
    func tokens(of caption: String) -> [Int]
    /// Makes the model, with its parameters on `device`; it is made once in a run.
    func model(on device: Device) throws -> any TrainingModel
}
