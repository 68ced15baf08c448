/// Why questions cannot be asked about a set of images: the class of the fault, the file, and what to do.
package struct QuestionError: Error, Hashable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// A table with the images' source ids is missing, damaged, or does not belong to the others.
        case table
        /// No question is about an image that is there.
        case noMatch = "no_match"
    }

    package let code: Code
    package let path: String
    package let detail: String

    init(_ code: Code, _ path: String, _ detail: String) { (self.code, self.path, self.detail) = (code, path, detail) }

    /// One line, such as `questions.json: no_match: no question is about …`.
    package var description: String { "\(path): \(code.rawValue): \(detail)" }
}
