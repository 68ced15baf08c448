/// A mapped file of named tensors, of whichever format.
package protocol TensorFile: AnyObject {
    /// The path that errors name.
    var path: String { get }

    /// The names of the tensors, sorted.
    var names: [String] { get }

    /// The sizes of the tensor `name`; nil when there is none.
    func shape(of name: String) -> [Int]?

    /// The tensor `name`, on the file's own memory where its place allows: reading it costs nothing until it is used.
    func tensor(_ name: String) throws(CheckpointError) -> Tensor

    /// Gives back the memory of tensors that were read; those still in use are read from the file again when needed.
    ///
    /// For models just loaded, of which most tensors were copied; what was assigned to a tensor of this file is lost.
    func releasePages()
}

/// Opens the file of tensors at `path`: safetensors, or PyTorch's own format under any other name.
package func openTensorFile(_ path: String) throws(CheckpointError) -> any TensorFile {
    path.hasSuffix(".safetensors") ? try SafetensorsFile(path) : try TorchFile(path)
}
