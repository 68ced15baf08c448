/// Text from the web, made safe to show.
enum CleanText {
    /// `text` on one line: control characters, escapes, line ends and the marks that turn the direction of what follows become
    /// spaces, runs of white space one space.
    static func line(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let blank = isHarmful(scalar) || scalar.properties.isWhitespace
            if !blank { scalars.append(scalar) } else if let last = scalars.last, last != " " { scalars.append(" ") }
        }
        if scalars.last == " " { scalars.removeLast() }
        return String(scalars)
    }

    /// `line(text)` cut to `limit` characters, with an ellipsis where something was cut.
    static func line(_ text: String, limit: Int) -> String {
        // Enough to judge; a caption of a megabyte is not cleaned as a whole.
        let line = line(String(text.unicodeScalars.prefix(limit * 16 + 16)))
        return line.count <= limit ? line : String(line.prefix(limit - 1)) + "…"
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
        case .format: scalar != "\u{200D}" && scalar != "\u{200C}"  // joiners shape emoji and scripts
        default: false
        }
    }

    /// `text` for HTML, as content or between double quotes.
    static func html(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    /// A caption or address as HTML: cleaned, cut, escaped.
    static func shown(_ text: String, limit: Int = 400) -> String { html(line(text, limit: limit)) }

    /// `text` for a paragraph or table of Markdown.
    static func markdown(_ text: String) -> String {
        var escaped = ""
        for character in line(text) {
            if #"\`*_[]<>|#&"#.contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }
}
