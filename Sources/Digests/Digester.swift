import CDigest
import Foundation
package import Samples

/// A running SHA-256 over bytes as they come.
package final class Digester {
    private let handle: cdigest_t

    package init() {
        guard let handle = cdigest_new(CDIGEST_SHA256) else { preconditionFailure("no memory for a digest") }
        self.handle = handle
    }

    deinit { cdigest_free(handle) }

    /// Adds `bytes`.
    package func update(_ bytes: borrowing [UInt8]) {
        bytes.withUnsafeBytes { cdigest_update(handle, $0.baseAddress, $0.count) }
    }

    /// Adds the bytes of `buffer`.
    package func update(_ buffer: UnsafeRawBufferPointer) {
        cdigest_update(handle, buffer.baseAddress, buffer.count)
    }

    /// The digest of all bytes so far; call it once, last.
    package func finish() -> ContentDigest {
        var bytes = [UInt8](repeating: 0, count: 32)
        bytes.withUnsafeMutableBufferPointer { cdigest_finish(handle, $0.baseAddress) }
        return ContentDigest(bytes: bytes)
    }
}

/// The SHA-256 digest of `bytes`.
package func digest(of bytes: [UInt8]) -> ContentDigest {
    let digester = Digester()
    digester.update(bytes)
    return digester.finish()
}

/// The MD5 digest of `bytes` as 32 lower-case hexadecimal digits: for lists that know images by it, not for trust.
package func md5(of bytes: [UInt8]) -> String {
    guard let handle = cdigest_new(CDIGEST_MD5) else { preconditionFailure("no memory for a digest") }
    defer { cdigest_free(handle) }
    var sum = [UInt8](repeating: 0, count: 16)
    bytes.withUnsafeBytes { cdigest_update(handle, $0.baseAddress, $0.count) }
    sum.withUnsafeMutableBufferPointer { cdigest_finish(handle, $0.baseAddress) }
    return sum.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
}

/// The SHA-256 digest of the UTF-8 bytes of `text`.
package func digest(of text: String) -> ContentDigest { digest(of: Array(text.utf8)) }

/// The SHA-256 digest of the file at `path`, read block by block, and the file's length in bytes.
package func digest(ofFile path: String) throws -> (digest: ContentDigest, byteCount: Int) {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }  // read only: nothing can be lost
    let digester = Digester()
    var byteCount = 0
    while let block = try file.read(upToCount: 1 << 20), !block.isEmpty {
        block.withUnsafeBytes { digester.update($0) }
        byteCount += block.count
    }
    return (digester.finish(), byteCount)
}

/// The SHA-256 digest of all of `bytes`, read block by block.
package func digest(of bytes: any ByteRanges) throws -> ContentDigest {
    let digester = Digester()
    try bytes.forEachBlock { block in block.withUnsafeBytes { digester.update($0) } }
    return digester.finish()
}
