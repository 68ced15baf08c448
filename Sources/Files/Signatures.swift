/// How a file is compressed, as its first bytes say.
package enum Compression: String, Sendable, CaseIterable {
    case gzip, zstd, bzip2, xz

    /// The first bytes of every such file.
    package var signature: [UInt8] {
        switch self {
        case .gzip: [0x1f, 0x8b]
        case .zstd: [0x28, 0xb5, 0x2f, 0xfd]
        case .bzip2: Array("BZh".utf8)
        case .xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]
        }
    }

    /// That of a file that begins with `head`; nil where it is not compressed in one of these ways.
    package init?(of head: some Sequence<UInt8>) {
        guard let found = Self.allCases.first(where: { head.starts(with: $0.signature) }) else { return nil }
        self = found
    }
}

/// What Git LFS leaves in the place of a large file that was not fetched.
package enum GitLFSPointer {
    /// What to tell a person who has one.
    package static let advice = "a Git LFS pointer, not the file itself: run \"git lfs pull\" in its folder"

    /// Whether a file that begins with `head` is one.
    package static func begins(_ head: some Sequence<UInt8>) -> Bool {
        head.starts(with: "version https://git-lfs".utf8)
    }
}
