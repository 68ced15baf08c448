import CDigest

/// A running CRC-32C: finds every damage of up to 32 bits in a row, and is no proof against intent.
package struct Checksum: Sendable {
    package private(set) var value: UInt32 = 0

    package init() {}

    /// Adds `bytes`.
    package mutating func update(_ bytes: borrowing [UInt8]) {
        value = bytes.withUnsafeBytes { [value] in cdigest_crc32c(value, $0.baseAddress, $0.count) }
    }

    /// Adds the bytes of `buffer`.
    package mutating func update(_ buffer: UnsafeRawBufferPointer) {
        value = cdigest_crc32c(value, buffer.baseAddress, buffer.count)
    }
}
