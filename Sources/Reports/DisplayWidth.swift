/// How many cells of a terminal text takes.
enum DisplayWidth {
    /// The cells of `text`: two for wide characters of East Asia and emoji, none for marks that combine.
    static func cells(_ text: String) -> Int {
        text.reduce(0) { $0 + cells($1) }
    }

    /// `text` cut to `width` cells, with an ellipsis where something was cut.
    static func cut(_ text: String, to width: Int) -> String {
        guard cells(text) > width else { return text }
        var kept = ""
        var used = 0
        for character in text {
            used += cells(character)
            guard used < width else { break }
            kept.append(character)
        }
        return width > 0 ? kept + "…" : ""
    }

    /// `text` with spaces to `width` cells.
    static func padded(_ text: String, to width: Int, rightAligned: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - cells(text)))
        return rightAligned ? spaces + text : text + spaces
    }

    private static func cells(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        let isEmoji = first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}")
        if isEmoji || isWide(first.value) { return 2 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return 1
        }
    }

    /// The blocks that Unicode's East Asian Width calls wide or full-width.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
