/// What keeps a trainer from its samples: the file, the class of the fault, where in it and what to do.
package struct LoadingError: Error, Hashable, CustomStringConvertible {
    /// The class of the fault; the raw value is a metric label.
    package enum Code: String, Sendable {
        /// A folder is no data set, or `dataset.json` cannot be read.
        case dataset
        /// There is nothing to train on.
        case empty
        /// A published shard's file is not there.
        case missing
        /// A shard is damaged, or is not the one that `dataset.json` lists.
        case damaged
        /// An image of a whole shard cannot be decoded.
        case image
    }

    package let code: Code
    package let path: String
    package let detail: String

    init(_ code: Code, _ path: String, _ detail: String) {
        self.code = code
        self.path = path
        self.detail = detail
    }

    /// One line: file, class, where and what.
    package var description: String { "\(path): \(code.rawValue): \(detail)" }
}
