/// Turns the patterns of `LongestMatch` into a graph.
///
/// A pattern is part of the program: a wrong one traps.
struct PatternParser {
    var graph = PatternGraph()
    private var rest: ArraySlice<Unicode.Scalar> = []

    /// Adds a pattern that leads to the node `next`; the node with which it starts.
    mutating func parse(_ pattern: String, then next: Int32) -> Int32 {
        rest = Array(pattern.unicodeScalars)[...]
        let tree = alternatives()
        precondition(rest.isEmpty, "a pattern ends before \(String(String.UnicodeScalarView(rest)))")
        return add(tree, then: next)
    }

    private indirect enum Tree {
        case set(CharacterRanges)
        case sequence([Tree])
        case choice([Tree])
        /// At least so often; nil is for ever.
        case repeated(Tree, Int, Int?)
    }

    private mutating func alternatives() -> Tree {
        var choices = [sequence()]
        while take("|") { choices.append(sequence()) }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() -> Tree {
        var parts: [Tree] = []
        while let next = rest.first, next != "|", next != ")" { parts.append(repetition()) }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repetition() -> Tree {
        let part = atom()
        if take("*") { return .repeated(part, 0, nil) }
        if take("+") { return .repeated(part, 1, nil) }
        if take("?") { return .repeated(part, 0, 1) }
        guard take("{") else { return part }
        let least = number()
        let most = take(",") ? (rest.first == "}" ? nil : number()) : least
        expect("}")
        return .repeated(part, least, most)
    }

    private mutating func atom() -> Tree {
        let next = pop()
        switch next {
        case "(":
            let tree = alternatives()
            expect(")")
            return tree
        case "[": return .set(set())
        case "\\": return .set(escaped(pop()))
        default:
            guard next.isASCII, next.properties.isAlphabetic else { return .set(Self.single(next)) }
            let cases = [next.properties.lowercaseMapping, next.properties.uppercaseMapping]
            return .set(CharacterRanges(cases.flatMap { $0.utf16.map { $0...$0 } }))
        }
    }

    private mutating func set() -> CharacterRanges {
        let isInverted = take("^")
        var set = CharacterRanges([])
        while !take("]") {
            let first = pop()
            if first == "\\" {
                set = set + escaped(pop())
            } else if rest.first == "-", rest.dropFirst().first != "]" {
                _ = pop()
                set = set + CharacterRanges([UInt16(first.value)...UInt16(pop().value)])
            } else {
                set = set + Self.single(first)
            }
        }
        return isInverted ? set.inverted : set
    }

    private func escaped(_ scalar: Unicode.Scalar) -> CharacterRanges {
        switch scalar {
        case "l": PTBCharacters.letters
        case "m": PTBCharacters.lettersAndMarks
        case "d": PTBCharacters.digits
        case "u": PTBCharacters.capitals
        case "s": PTBCharacters.symbols
        default: Self.single(scalar)
        }
    }

    private static func single(_ scalar: Unicode.Scalar) -> CharacterRanges {
        CharacterRanges([UInt16(scalar.value)...UInt16(scalar.value)])
    }

    private mutating func number() -> Int {
        var number = 0
        while let digit = rest.first?.properties.numericValue {
            number = 10 * number + Int(digit)
            rest.removeFirst()
        }
        return number
    }

    private mutating func pop() -> Unicode.Scalar {
        guard let next = rest.popFirst() else { preconditionFailure("a pattern is not finished") }
        return next
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func expect(_ scalar: Unicode.Scalar) {
        precondition(take(scalar), "a pattern needs \(scalar)")
    }

    private mutating func add(_ tree: Tree, then next: Int32) -> Int32 {
        switch tree {
        case .set(let set): return graph.add(set, then: next)
        case .sequence(let parts): return parts.reversed().reduce(next) { add($1, then: $0) }
        case .choice(let ways):
            let starts = ways.map { add($0, then: next) }
            return graph.add(.branch(starts))
        case .repeated(let part, let least, let most):
            var end = next
            if let most {
                for _ in least..<most {
                    let start = add(part, then: end)
                    end = graph.add(.branch([start, next]))
                }
            } else {
                end = graph.add(.branch([next]))
                let start = add(part, then: end)
                graph.set(end, .branch([start, next]))
            }
            return (0..<least).reduce(end) { after, _ in add(part, then: after) }
        }
    }
}
