/// The name of an object in a store: parts between slashes, such as `shards/cc3m-000007.tar.zst`.
///
/// No part is empty, `.` or `..`, so that no name leads out of a store, and one text is one object in every store.
package struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    /// The most bytes of a name that S3 takes.
    private static let byteLimit = 1024

    package let text: String

    /// The name `text`; nil where that is no name of an object.
    package init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        self.text = text
    }

    private static func isValid(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= byteLimit && !text.utf8.contains(0)
            && text.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !["", ".", ".."].contains($0) }
    }

    package var description: String { text }
}

extension ObjectKey: ExpressibleByStringLiteral {
    /// A name that is written in the source code; another traps.
    package init(stringLiteral text: String) {
        precondition(Self.isValid(text), "\(text) is no name of an object")
        self.text = text
    }
}

extension ObjectKey: Comparable {
    /// Orders by bytes, as stores list.
    package static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}
