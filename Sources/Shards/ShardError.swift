import Files

/// A shard that could not be written or read: the file, where in it, and what is wrong.
public struct ShardError: Error, Hashable, CustomStringConvertible {
    /// The class of the fault.
    public enum Code: String, Sendable {
        /// The file cannot be opened, read, written or synced; the system says why.
        case system
        /// The compressed stream is damaged, cut off, or of another kind than one zstd frame.
        case compression
        /// The tar inside is malformed.
        case tar
        /// The index is missing, damaged, or says something else than the tar.
        case index
        /// A sample lacks a member or a caption, or a member does not say what it should.
        case sample
        /// A key that no shard can hold, or that the shard holds already.
        case key
    }

    /// The class of the fault.
    public let code: Code
    /// The shard's file.
    public let path: String
    /// Where, and what is wrong.
    public let detail: String
    /// The system's number for the fault; 0 where it said nothing.
    package let number: Int32

    init(_ code: Code, _ path: String, _ detail: String, number: Int32 = 0) {
        self.code = code
        self.path = path
        self.detail = detail
        self.number = number
    }

    /// A sample that is not what it should be, found by whoever reads shards.
    public init(sample key: String, in path: String, _ fault: String) {
        self.init(.sample, path, "\(key): \(fault)")
    }

    /// One line: file, class, where and what.
    public var description: String { "\(path): \(code.rawValue): \(detail)" }
}

extension ShardError: SystemFault {}
