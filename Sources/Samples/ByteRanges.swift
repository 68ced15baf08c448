/// Bytes that are read in ranges: a file, an object in a store, memory.
///
/// Reading blocks while a disk or a server is waited for. Several threads may read at once. What is read is all of one
/// version: bytes that are replaced meanwhile are read as they were, or not at all.
public protocol ByteRanges: Sendable {
    /// What a person calls them, such as a path or an address: for errors.
    var name: String { get }
    /// How many there are.
    var byteCount: Int { get }
    /// Fills `buffer` from `offset` on; answers how many bytes there were, fewer only at the end.
    func read(at offset: Int, into buffer: inout [UInt8]) throws(UnreadableBytes) -> Int
}

extension ByteRanges {
    /// Exactly `count` bytes from `offset` on.
    ///
    /// - Throws: Where they cannot be read, and where there are fewer.
    public func bytes(at offset: Int, count: Int) throws(UnreadableBytes) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard try read(at: offset, into: &bytes) == count else { throw UnreadableBytes(name, "ended early") }
        return bytes
    }

    /// Gives all bytes to `visit`, block by block, in order.
    ///
    /// - Throws: `UnreadableBytes`, and what `visit` throws.
    package func forEachBlock(
        of blockByteCount: Int = 1 << 20, _ visit: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        var block = [UInt8](repeating: 0, count: min(blockByteCount, max(byteCount, 1)))
        var offset = 0
        while case let count = try read(at: offset, into: &block), count > 0 {
            try visit(block[..<count])
            offset += count
        }
    }
}

/// Bytes that cannot be read: which, and why.
public struct UnreadableBytes: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a person calls them.
    public let name: String
    /// Why they cannot be read.
    public let reason: String
    /// The system's number for the fault; 0 where it said nothing.
    public let number: Int32

    /// The bytes `name` cannot be read for `reason`.
    public init(_ name: String, _ reason: String, number: Int32 = 0) {
        (self.name, self.reason, self.number) = (name, reason, number)
    }

    /// One line: which, and why.
    public var description: String { "\(name): \(reason)" }
}

/// Bytes in memory.
public struct MemoryBytes: ByteRanges {
    /// What errors call them.
    public let name: String
    private let bytes: [UInt8]

    /// `bytes`, which errors call `name`.
    public init(_ bytes: [UInt8], name: String) {
        (self.bytes, self.name) = (bytes, name)
    }

    /// How many there are.
    public var byteCount: Int { bytes.count }

    /// Fills `buffer` from `offset` on; never fails.
    public func read(at offset: Int, into buffer: inout [UInt8]) throws(UnreadableBytes) -> Int {
        let start = min(max(offset, 0), bytes.count)
        let count = min(buffer.count, bytes.count - start)
        buffer.replaceSubrange(..<count, with: bytes[start..<(start + count)])
        return count
    }
}
