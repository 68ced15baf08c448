extension String {
    /// Lower case by Unicode's rules for whole texts, as Java and Python have it: a sigma at the end of a word is a final one.
    var inLowerCase: String {
        guard unicodeScalars.contains("\u{3a3}") else { return lowercased() }
        let scalars = Array(unicodeScalars)
        return scalars.indices.map { place in
            guard scalars[place] == "\u{3a3}" else { return scalars[place].properties.lowercaseMapping }
            let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
            let after = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
            let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
            return isFinal ? "\u{3c2}" : "\u{3c3}"
        }.joined()
    }
}
