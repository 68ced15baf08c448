/// A set of patterns over UTF-16, of which the one that matches most wins, of equally long matches the first.
///
/// Patterns are regular expressions of characters, `[sets]`, `(groups)`, `|`, `?`, `*`, `+` and `{m,n}`. A letter of ASCII
/// outside of a set matches both cases. `\l` is a letter, `\m` a letter or mark, `\d` a digit, `\u` an upper-case letter.
struct LongestMatch {
    struct Match: Equatable {
        let pattern: Int
        let length: Int
    }

    /// One state of the automaton, made when a text first leads to it.
    private struct State {
        let nodes: [Int32]
        let accepted: Int?
        /// By class of character: a state, `dead`, or `unknown`.
        var next: [Int32]
    }

    private static let dead: Int32 = -1
    private static let unknown: Int32 = -2

    private let graph: PatternGraph
    private let classes: CharacterClasses
    private var states: [State] = []
    private var numbers: [[Int32]: Int32] = [:]

    init(_ patterns: [String]) {
        var parser = PatternParser()
        var starts: [Int32] = []
        for (number, pattern) in patterns.enumerated() {
            let accept = parser.graph.add(.accept(number))
            starts.append(parser.parse(pattern, then: accept))
        }
        graph = parser.graph
        classes = CharacterClasses(graph.sets)
        _ = state(of: graph.closure(of: starts))
    }

    /// The longest match at `place`; nil where no pattern matches anything.
    mutating func match(_ text: [UInt16], at place: Int) -> Match? {
        var (state, best): (Int32, Match?) = (0, nil)
        var index = place
        while index < text.count {
            let kind = Int(classes.classOf[Int(text[index])])
            var next = states[Int(state)].next[kind]
            if next == Self.unknown {
                let moved = graph.move(states[Int(state)].nodes) { classes.members[kind][$0] }
                next = moved.isEmpty ? Self.dead : self.state(of: moved)
                states[Int(state)].next[kind] = next
            }
            guard next != Self.dead else { break }
            (state, index) = (next, index + 1)
            if let pattern = states[Int(state)].accepted { best = Match(pattern: pattern, length: index - place) }
        }
        return best
    }

    private mutating func state(of nodes: [Int32]) -> Int32 {
        if let known = numbers[nodes] { return known }
        let number = Int32(states.count)
        numbers[nodes] = number
        let next = [Int32](repeating: Self.unknown, count: classes.members.count)
        states.append(State(nodes: nodes, accepted: graph.accepted(nodes), next: next))
        return number
    }
}

/// The steps of patterns: sets of characters, branches, ends.
struct PatternGraph {
    enum Node {
        case set(Int, then: Int32)
        case branch([Int32])
        case accept(Int)
    }

    private(set) var nodes: [Node] = []
    private(set) var sets: [CharacterRanges] = []
    private var setNumbers: [CharacterRanges: Int] = [:]

    mutating func add(_ node: Node) -> Int32 {
        nodes.append(node)
        return Int32(nodes.count - 1)
    }

    mutating func set(_ number: Int32, _ node: Node) { nodes[Int(number)] = node }

    mutating func add(_ set: CharacterRanges, then next: Int32) -> Int32 {
        let number = setNumbers[set] ?? sets.count
        if number == sets.count {
            sets.append(set)
            setNumbers[set] = number
        }
        return add(.set(number, then: next))
    }

    /// The nodes that are reached without a character, sorted; branches are followed and left out.
    func closure(of starts: [Int32]) -> [Int32] {
        var (seen, waiting, found): (Set<Int32>, [Int32], [Int32]) = ([], starts, [])
        while let node = waiting.popLast() {
            guard seen.insert(node).inserted else { continue }
            if case .branch(let ways) = nodes[Int(node)] { waiting += ways } else { found.append(node) }
        }
        return found.sorted()
    }

    func move(_ from: [Int32], _ isIn: (Int) -> Bool) -> [Int32] {
        closure(
            of: from.compactMap { node in
                if case .set(let set, let next) = nodes[Int(node)], isIn(set) { next } else { nil }
            })
    }

    func accepted(_ from: [Int32]) -> Int? {
        from.compactMap { node in if case .accept(let pattern) = nodes[Int(node)] { pattern } else { nil } }.min()
    }
}

/// Characters that no set tells apart are one class.
struct CharacterClasses {
    /// The class of each unit.
    let classOf: [UInt16]
    /// For each class, which sets it is in.
    let members: [[Bool]]

    init(_ sets: [CharacterRanges]) {
        var changes: [Int: [Int]] = [:]
        for (number, set) in sets.enumerated() {
            for range in set.ranges {
                changes[Int(range.lowerBound), default: []].append(number)
                changes[Int(range.upperBound) + 1, default: []].append(number)
            }
        }
        var (classOf, members): ([UInt16], [[Bool]]) = ([], [])
        var numbers: [[Bool]: UInt16] = [:]
        var current = [Bool](repeating: false, count: sets.count)
        var kind: UInt16?
        for unit in 0...0xffff {
            if let changed = changes[unit] {
                for number in changed { current[number].toggle() }
                kind = nil
            }
            if kind == nil {
                kind = numbers[current] ?? UInt16(members.count)
                if kind.map(Int.init) == members.count {
                    numbers[current] = kind
                    members.append(current)
                }
            }
            classOf.append(kind ?? 0)
        }
        (self.classOf, self.members) = (classOf, members)
    }
}
