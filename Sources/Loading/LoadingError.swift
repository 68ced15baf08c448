/// What keeps a trainer from its samples: the file, the class of the fault, where in it and what to do.
public struct LoadingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The class of the fault; the raw value is a metric label.
    public enum Code: String, Sendable {
        /// A folder is no data set, or `dataset.json` cannot be read.
        case dataset
        /// There is nothing to train on.
        case empty
        /// A published shard's file is not there.
        case missing
        /// A shard is not the one that `dataset.json` lists, or its index is damaged.
        case damaged
        /// A shard cannot be read: the disk, the network or the memory is to blame.
        case unreadable
        /// A sample is damaged; those around it are not.
        case sample
        /// An image of a whole shard cannot be decoded.
        case image
        /// More samples are damaged than may be.
        case tooManyDamaged = "too_many_damaged"
    }

    /// The class of the fault.
    public let code: Code
    /// The file.
    public let path: String
    /// Where, and what is wrong.
    public let detail: String

    init(_ code: Code, _ path: String, _ detail: String) {
        self.code = code
        self.path = path
        self.detail = detail
    }

    /// One line: file, class, where and what.
    public var description: String { "\(path): \(code.rawValue): \(detail)" }

    /// Whether another sample can stand in: the fault is one sample's own.
    var isOfSample: Bool { code == .sample || code == .image }
}
