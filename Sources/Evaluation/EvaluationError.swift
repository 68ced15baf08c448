/// What keeps a model from being evaluated: the class of the fault, the file, where and what to do.
package struct EvaluationError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// A folder is no data set, or a shard is missing or damaged.
        case dataset
        /// There is no image with a caption, or none that is asked about.
        case empty
        /// An image cannot be read or decoded, or its file is there twice.
        case image
        /// The model gives what is no number.
        case notFinite = "not_finite"
    }

    package let code: Code
    /// The file; empty where none is to blame.
    package let path: String
    package let detail: String

    init(_ code: Code, _ path: String, _ detail: String) { (self.code, self.path, self.detail) = (code, path, detail) }

    static func notFinite(_ what: String) -> EvaluationError {
        EvaluationError(.notFinite, "", "the model gives \(what) that are not finite: it was damaged in training")
    }

    package var description: String { (path.isEmpty ? "" : path + ": ") + "\(code.rawValue): \(detail)" }
}
