/// A long text around a list, whose elements are written one by one and never are in memory together.
///
/// It is made from the text with one element in its list: what stands before that element, and behind it.
package struct ListText: Sendable {
    private let head: [UInt8]
    private let tail: [UInt8]
    private let separator: [UInt8]

    /// Splits `text` at `element`, which stands in it once; `separator` goes between elements.
    package init(_ text: String, at element: String, separator: String) {
        let parts = text.split(separator: element, maxSplits: 1, omittingEmptySubsequences: false)
        precondition(parts.count == 2, "the element stands in the text")
        (head, tail, self.separator) = (Array(parts[0].utf8), Array(parts[1].utf8), Array(separator.utf8))
    }

    /// Writes the elements that it is given into a file, and then the end.
    package struct Writer {
        private let text: ListText
        private let file: OpenFile
        private var buffer: [UInt8]
        private var isFirst = true

        /// Begins the text in `file`.
        package init(_ text: ListText, to file: OpenFile) {
            (self.text, self.file) = (text, file)
            buffer = text.head
        }

        /// Adds an element.
        package mutating func add(_ element: String) throws(FileError) {
            if !isFirst { buffer += text.separator }
            isFirst = false
            buffer += Array(element.utf8)
            if buffer.count > 1 << 16 { try flush() }
        }

        /// Ends the text.
        package mutating func end() throws(FileError) {
            buffer += text.tail
            try flush()
        }

        private mutating func flush() throws(FileError) {
            try file.write(buffer)
            buffer.removeAll(keepingCapacity: true)
        }
    }
}

/// `text` of several lines, as it stands `depth` levels deep in indented JSON.
package func indented(_ text: String, depth: Int) -> String {
    text.replacing("\n", with: "\n" + String(repeating: "  ", count: depth))
}
