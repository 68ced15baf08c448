import Files
import Foundation

/// The bytes of a file in blocks, from any offset on.
struct BlockReader {
    static let usualLength = 1 << 20

    let path: String
    private let handle: FileHandle
    private let blockLength: Int
    /// The block at hand.
    private(set) var block: [UInt8] = []
    /// The next byte of the block to look at.
    var place = 0
    /// The offset in the file of the block's first byte.
    private(set) var blockOffset: Int

    init(_ path: String, at offset: Int, blockLength: Int = Self.usualLength) throws(SourceError) {
        self.path = path
        handle = try openList(path)
        self.blockLength = blockLength
        blockOffset = offset
        do {
            try handle.seek(toOffset: UInt64(offset))
        } catch {
            throw SourceError(.unreadable, path, "\(error)")
        }
    }

    /// The offset in the file of the byte at `place`.
    var offset: Int { blockOffset + place }

    /// Reads the next block; false at the end of the file.
    mutating func fill() throws(SourceError) -> Bool {
        do {
            blockOffset += block.count
            block = Array(try handle.read(upToCount: blockLength) ?? Data())
            place = 0
            return !block.isEmpty
        } catch {
            throw SourceError(.unreadable, path, error.localizedDescription)
        }
    }

    /// Goes to byte `offset` of the file.
    mutating func move(to offset: Int) throws(SourceError) {
        guard offset < blockOffset else {
            place = offset - blockOffset
            return
        }
        do {
            try handle.seek(toOffset: UInt64(offset))
        } catch {
            throw SourceError(.unreadable, path, "\(error)")
        }
        (block, place, blockOffset) = ([], 0, offset)
    }

    /// Whether there is a byte at `place`; reads on where there is none.
    mutating func hasByte() throws(SourceError) -> Bool {
        if place < block.count { return true }
        return try fill()
    }
}

/// The file `path` of a list, open for reading; a pipe or a device is refused, and never waited for.
func openList(_ path: String) throws(SourceError) -> FileHandle {
    do {
        return FileHandle(fileDescriptor: try openPlainFile(path), closeOnDealloc: true)
    } catch {
        throw SourceError(.unreadable, path, error.reason)
    }
}
