/// Where what a language model is given ends in a text.
extension String {
    /// Where the one of `marks` that ends first in this text ends; nil where none of them stands in it.
    func end(ofFirst marks: [String]) -> Index? {
        marks.compactMap { firstRange(of: $0)?.upperBound }.min()
    }

    /// The text without the spaces at its end: they are no tokens of their own in the joined text, whose next word begins with
    /// them.
    var withoutSpacesAtEnd: String {
        String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)])
    }
}
