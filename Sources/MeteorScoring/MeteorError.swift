/// Why METEOR cannot be computed: the class of the fault, the program or file, and what to do.
package struct MeteorError: Error, Hashable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// There is no such file, or its data is not beside it.
        case unreadable
        /// There is no Java.
        case noJava = "no_java"
        /// The program ended, closed its output or said nothing for too long.
        case ended
        /// The program answered what is no answer of METEOR's.
        case malformed
    }

    package let code: Code
    /// The file of the program.
    package let path: String
    package let detail: String

    init(_ code: Code, _ path: String, _ detail: String) { (self.code, self.path, self.detail) = (code, path, detail) }

    /// One line, such as `meteor-1.5.jar: unreadable: no such file`.
    package var description: String { "\(path): \(code.rawValue): \(detail)" }
}
