public import Samples

/// Reads the whole shard at `path` and checks everything that can be checked without decoding images: the checksum of
/// the frame, the tar, every sample's members, and that the index says the same as the tar.
///
/// `visit` is given every sample, in order; what it throws ends the check. The result is what the shard is: compare its
/// digest with the one that was published, which finds every other change.
public func verifyShard(
    _ path: String, visit: (ShardSample) throws(ShardError) -> Void = { _ in }
) throws(ShardError) -> ShardSummary {
    try verifyShard(opened(path), visit: visit)
}

/// As `verifyShard` of a path, for the shard `file`, wherever it is.
public func verifyShard(
    _ file: any ByteRanges, visit: (ShardSample) throws(ShardError) -> Void = { _ in }
) throws(ShardError) -> ShardSummary {
    let index = try ShardIndex(file)
    let stream = try TarStream(file, digests: true)
    let reader = ShardReader(stream)
    var count = 0
    while true {
        let start = stream.offset
        guard let sample = try reader.next() else { break }
        let place = ShardIndex.Place(key: sample.key, offset: start, length: stream.offset - start)
        guard count < index.places.count, index.places[count] == place else {
            throw ShardError(.index, file.name, "\(sample.key): the index disagrees with the tar")
        }
        try visit(sample)
        count += 1
    }
    guard count == index.places.count, index.tarByteCount == stream.offset else {
        throw ShardError(.index, file.name, "the index lists \(index.places.count) samples, the tar holds \(count)")
    }
    let (trailing, digest) = try stream.finish()
    guard trailing == index.frameLength else {
        throw ShardError(.index, file.name, "\(trailing) bytes after the frame, not \(index.frameLength)")
    }
    guard let digest else { preconditionFailure("the stream was asked for a digest") }
    return ShardSummary(samples: count, byteCount: file.byteCount, sha256: digest)
}
