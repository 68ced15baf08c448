import Glibc

// What shows of a published shard without reading it.
extension OutputDirectory {
    /// What is wrong with the files of a shard, as far as their sizes and first bytes tell; nil where nothing is.
    ///
    /// `isDraft` says which of the two places they are in.
    package func damage(of name: String, isDraft: Bool, byteCount: Int, tableByteCount: Int) -> String? {
        let shard = isDraft ? draftShard(name) : shardPath(name)
        let table = isDraft ? draftTable(name) : tablePath(name)
        return Self.damage(of: shard, byteCount, beginsWith: [0x28, 0xb5, 0x2f, 0xfd])  // a frame of zstd
            ?? Self.damage(of: table, tableByteCount, beginsWith: Array("PAR1".utf8))
    }

    /// Whether the files that a worker has written as `generation` of a shard were put in place already.
    package func isInPlace(
        _ name: String, generation: Int, isDraft: Bool, byteCount: Int, tableByteCount: Int
    ) -> Bool {
        !isThere(scratchShard(name, generation: generation)) && !isThere(scratchTable(name, generation: generation))
            && damage(of: name, isDraft: isDraft, byteCount: byteCount, tableByteCount: tableByteCount) == nil
    }

    private static func damage(of path: String, _ byteCount: Int, beginsWith magic: [UInt8]) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            return errno == ENOENT ? "\(path) is missing" : "\(path): \(String(cString: strerror(errno)))"
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return "\(path) is not a plain file"
        }
        guard Int(status.st_size) == byteCount else {
            return "\(path) has \(status.st_size) bytes, not \(byteCount)"
        }
        var head = [UInt8](repeating: 0, count: magic.count)
        guard pread(descriptor, &head, head.count, 0) == head.count, head == magic else {
            return "\(path) does not begin as it was written"
        }
        return nil
    }
}
