import Foundation

extension Unicode.Scalar {
    var isASCIIPunctuation: Bool {
        switch value {
        case 0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e: true
        default: false
        }
    }
    /// General category L.
    var isLetter: Bool {
        if isASCII { return properties.isAlphabetic }
        return switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
    /// General category N.
    var isNumber: Bool {
        if isASCII { return value >= 0x30 && value <= 0x39 }
        return switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }
    /// The property White_Space.
    var isSpace: Bool {
        value < 0x85 ? value == 0x20 || (value >= 9 && value <= 13) : properties.isWhitespace
    }
}

extension [UInt8] {
    /// How many bytes of this UTF-8 text the white space at `place` has; nil where there is none.
    func spaceLength(at place: Int) -> Int? {
        let scalar = String(decoding: self[place...].prefix(4), as: UTF8.self).unicodeScalars.first
        return scalar.flatMap { $0.isSpace ? UTF8.width($0) : nil }
    }

    /// The same for the white space that ends in front of `place`.
    func spaceLength(before place: Int) -> Int? {
        let scalar = String(decoding: self[..<place].suffix(4), as: UTF8.self).unicodeScalars.last
        return scalar.flatMap { $0.isSpace ? UTF8.width($0) : nil }
    }
}

extension [Unicode.Scalar] {
    /// A string of these scalars.
    var text: String { String(String.UnicodeScalarView(self)) }

    var isASCII: Bool { allSatisfy(\.isASCII) }

    /// Normalization form C.
    var composed: [Unicode.Scalar] {
        isASCII ? self : Array(text.precomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// Normalization form D.
    var decomposed: [Unicode.Scalar] {
        isASCII ? self : Array(text.decomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// Each scalar in lower case by itself, in full mapping.
    var lowercasedOneByOne: [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(count)
        for scalar in self {
            if scalar.isASCII {
                let isUpper = scalar.value >= 0x41 && scalar.value <= 0x5a
                result.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar)
            } else {
                result += scalar.properties.lowercaseMapping.unicodeScalars
            }
        }
        return result
    }

    /// Lower case by Unicode's rules for whole texts: a sigma at the end of a word is a final one.
    var lowercased: [Unicode.Scalar] {
        guard contains("\u{3a3}") else { return lowercasedOneByOne }
        return indices.flatMap { index in
            guard self[index] == "\u{3a3}" else { return [self[index]].lowercasedOneByOne }
            let before = self[..<index].last { !$0.properties.isCaseIgnorable }
            let after = self[(index + 1)...].first { !$0.properties.isCaseIgnorable }
            let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
            return [isFinal ? "\u{3c2}" : "\u{3c3}"]
        }
    }

    /// White space of any kind and length as one space, none at the ends.
    var withSingleSpaces: [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(count)
        for scalar in self {
            if !scalar.isSpace {
                result.append(scalar)
            } else if let last = result.last, last != " " {
                result.append(" ")
            }
        }
        if result.last == " " { result.removeLast() }
        return result
    }
}
