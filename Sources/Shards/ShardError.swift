import Files
import Glibc
import Samples

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

    /// Bytes that cannot be read.
    init(_ error: UnreadableBytes) { self.init(.system, error.name, error.reason, number: error.number) }

    /// One line: file, class, where and what.
    public var description: String { "\(path): \(code.rawValue): \(detail)" }
}

extension ShardError: SystemFault {}

/// What the system said of the last call.
func systemError(_ path: String, _ step: String) -> ShardError {
    ShardError(.system, path, "\(step): \(String(cString: strerror(errno)))", number: errno)
}

/// The file `path`, open for reading.
func opened(_ path: String) throws(ShardError) -> any ByteRanges {
    do {
        return try OpenedFile(path)
    } catch {
        throw ShardError(.system, path, "open: \(error.reason)", number: error.number)
    }
}

extension ByteRanges {
    /// As `bytes`, with this module's own error.
    func shardBytes(at offset: Int, count: Int) throws(ShardError) -> [UInt8] {
        do { return try bytes(at: offset, count: count) } catch { throw ShardError(error) }
    }
}
