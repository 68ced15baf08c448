/// A text that comes in parts, without white space at either end: white space is held back until something follows it.
package struct TrimmedText: Sendable {
    private var held = ""
    private var hasBegun = false

    package init() {}

    /// What of `part`, and of white space before it, is known to be of the text.
    package mutating func append(_ part: String) -> String {
        held += part
        if !hasBegun { held = String(held.drop(while: \.isWhitespace)) }
        guard let last = held.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        hasBegun = true
        let end = held.index(after: last)
        defer { held = String(held[end...]) }
        return String(held[..<end])
    }
}
