/// Reads the part of Python's pickle format in which PyTorch writes tensors, and refuses all else.
///
/// The instructions build values on a stack. Nothing is imported and nothing is called: of globals only the names in
/// `KnownGlobal` are accepted, as descriptions. Time and memory are proportional to the pickle, whose size is bounded.
///
/// Source: CPython `Lib/pickletools.py`, protocols 2 to 5; PyTorch `torch/serialization.py`, `persistent_id`.
struct PickleReader {
    private let bytes: [UInt8]
    private var place = 0
    private var graph = PickleGraph()
    private var stack: [Int32] = []
    /// The heights of the stack at which groups began.
    private var marks: [Int] = []
    /// Values by the numbers under which the pickle comes back to them; the numbers may be any.
    private var memo: [Int: Int32] = [:]

    /// The values of the pickle `bytes`.
    static func graph(of bytes: [UInt8]) throws(PickleError) -> PickleGraph {
        guard bytes.count <= PickleLimits.byteCount else {
            throw PickleError(.tooLarge, "the pickle has \(bytes.count) bytes")
        }
        var reader = PickleReader(bytes: bytes)
        while try reader.step() {}
        return reader.graph
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Does one instruction; false behind the last.
    private mutating func step() throws(PickleError) -> Bool {
        let code = try take()
        switch code {
        case Instruction.stop:
            graph.root = try pop()
            return false
        case Instruction.frame: try skip(8)
        case Instruction.proto:
            let version = try take()
            guard 2...5 ~= version else { throw fault("protocol \(version)") }
        case Instruction.mark:
            guard marks.count < PickleLimits.marks else {
                throw PickleError(.tooLarge, "the pickle is nested too deep")
            }
            marks.append(stack.count)
        case Instruction.pop: _ = try pop()
        case Instruction.popMark: _ = try group()
        case Instruction.dup:
            let top = try pop()
            try push(top)
            try push(top)
        case Instruction.none: try push(.none)
        case Instruction.true: try push(.flag(true))
        case Instruction.false: try push(.flag(false))
        default:
            if try number(code) { break }
            if try text(code) { break }
            if try collection(code) { break }
            if try recall(code) { break }
            guard try global(code) else { throw fault("instruction \(code), which describes no tensor") }
        }
        return true
    }

    // MARK: Numbers and texts

    private mutating func number(_ code: UInt8) throws(PickleError) -> Bool {
        switch code {
        case Instruction.int1: try push(.integer(unsigned(1)))
        case Instruction.int2: try push(.integer(unsigned(2)))
        case Instruction.int4: try push(.integer(signed(4)))
        case Instruction.long1: try push(.integer(signed(Int(take()))))
        case Instruction.long4: try push(.integer(signed(unsigned(4))))
        case Instruction.float:
            let bits = try bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try push(.number(Double(bitPattern: bits)))
        default: return false
        }
        return true
    }

    private mutating func text(_ code: UInt8) throws(PickleError) -> Bool {
        let count: Int
        switch code {
        case Instruction.text1: count = try unsigned(1)
        case Instruction.text4: count = try unsigned(4)
        case Instruction.text8: count = try signed(8)
        default: return false
        }
        guard 0...PickleLimits.textByteCount ~= count else {
            throw PickleError(.tooLarge, "the pickle has a text of \(count) bytes")
        }
        guard let text = String(validating: try bytes(count), as: UTF8.self) else {
            throw fault("a text that is not UTF-8")
        }
        try push(.text(text))
        return true
    }

    // MARK: Tuples, lists, dictionaries

    private mutating func collection(_ code: UInt8) throws(PickleError) -> Bool {
        switch code {
        case Instruction.emptyTuple: try push(.tuple([]))
        case Instruction.tuple1, Instruction.tuple2, Instruction.tuple3:
            var parts: [Int32] = []
            for _ in Instruction.tuple1...code { parts.append(try pop()) }
            try push(.tuple(parts.reversed()))
        case Instruction.tuple: try push(.tuple(group()))
        case Instruction.emptyList: try push(.list([]))
        case Instruction.list: try push(.list(group()))
        case Instruction.emptyDict: try push(.dictionary([]))
        case Instruction.dict: try push(.dictionary(pairs(group())))
        case Instruction.append: try extend(by: [pop()], isDictionary: false)
        case Instruction.appends: try extend(by: group(), isDictionary: false)
        case Instruction.setItem:
            let value = try pop()
            try extend(by: [pop(), value], isDictionary: true)
        case Instruction.setItems: try extend(by: pairs(group()), isDictionary: true)
        default: return false
        }
        return true
    }

    private func pairs(_ parts: [Int32]) throws(PickleError) -> [Int32] {
        guard parts.count.isMultiple(of: 2) else { throw fault("a key without a value") }
        return parts
    }

    private mutating func extend(by parts: [Int32], isDictionary: Bool) throws(PickleError) {
        guard let top = stack.last, stack.count > marks.last ?? 0,
            graph.extend(top, by: parts[...], isDictionary: isDictionary)
        else { throw fault("elements of what is no \(isDictionary ? "dictionary" : "list")") }
    }

    // MARK: The memo

    private mutating func recall(_ code: UInt8) throws(PickleError) -> Bool {
        switch code {
        case Instruction.get1: try push(remembered(unsigned(1)))
        case Instruction.get4: try push(remembered(unsigned(4)))
        case Instruction.put1: try remember(unsigned(1))
        case Instruction.put4: try remember(unsigned(4))
        case Instruction.memoize: try remember(memo.count)
        default: return false
        }
        return true
    }

    private func remembered(_ number: Int) throws(PickleError) -> Int32 {
        guard let value = memo[number] else { throw fault("a value that was not there before, \(number)") }
        return value
    }

    private mutating func remember(_ number: Int) throws(PickleError) {
        guard let top = stack.last, stack.count > marks.last ?? 0 else { throw fault("nothing to remember") }
        guard memo.count < PickleLimits.values else { throw PickleError(.tooLarge, "the pickle's memo is too large") }
        memo[number] = top
    }

    // MARK: Globals

    private mutating func global(_ code: UInt8) throws(PickleError) -> Bool {
        switch code {
        case Instruction.global: try push(.known(known(line(), line())))
        case Instruction.stackGlobal:
            guard case .text(let name) = graph[try pop()], case .text(let module) = graph[try pop()] else {
                throw fault("a global without a name")
            }
            try push(.known(known(module, name)))
        case Instruction.reduce:
            guard case .tuple(let arguments) = graph[try pop()], case .known(let global) = graph[try pop()] else {
                throw fault("a call of what is no function")
            }
            try push(graph.described(global, arguments))
        case Instruction.build:
            // An ordered dictionary's remarks, such as the versions of modules, which are of no use here.
            guard case .dictionary = graph[try pop()], let top = stack.last, case .dictionary = graph[top] else {
                throw fault("a state of what is no dictionary")
            }
        case Instruction.persistentID: try push(graph.storage(pop()))
        default: return false
        }
        return true
    }

    private func known(_ module: String, _ name: String) throws(PickleError) -> KnownGlobal {
        guard let known = KnownGlobal(module, name) else {
            throw PickleError(
                .refused,
                "it asks for \(shown("\(module).\(name)")), and only tensors, dictionaries, lists, numbers and "
                    + "texts are read; nothing was run. Where you trust the file, load it with PyTorch and save its "
                    + "tensors alone")
        }
        return known
    }

    /// A name of a hostile file, fit to be printed.
    private func shown(_ name: String) -> String {
        let plain = name.unicodeScalars.prefix(100).map { $0.properties.isWhitespace || $0.value < 32 ? " " : "\($0)" }
        return plain.joined()
    }

    // MARK: The stack

    private mutating func push(_ value: PickleGraph.Value) throws(PickleError) { try push(graph.add(value)) }

    private mutating func push(_ number: Int32) throws(PickleError) {
        guard stack.count < PickleLimits.stack else { throw PickleError(.tooLarge, "the pickle's stack is too high") }
        stack.append(number)
    }

    private mutating func pop() throws(PickleError) -> Int32 {
        guard stack.count > marks.last ?? 0, let top = stack.popLast() else { throw fault("an empty stack") }
        return top
    }

    /// What is on the stack since the last mark.
    private mutating func group() throws(PickleError) -> [Int32] {
        guard let mark = marks.popLast() else { throw fault("a group without a beginning") }
        let parts = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return parts
    }

    // MARK: Bytes

    private mutating func take() throws(PickleError) -> UInt8 {
        guard place < bytes.count else { throw fault("its end too early") }
        place += 1
        return bytes[place - 1]
    }

    private mutating func skip(_ count: Int) throws(PickleError) { _ = try bytes(count) }

    private mutating func bytes(_ count: Int) throws(PickleError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - place else { throw fault("its end too early") }
        place += count
        return bytes[place - count..<place]
    }

    /// A number of `count` bytes, at most four.
    private mutating func unsigned(_ count: Int) throws(PickleError) -> Int {
        try bytes(count).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// A number of `count` bytes in two's complement.
    private mutating func signed(_ count: Int) throws(PickleError) -> Int {
        guard count <= 8 else { throw fault("a number of \(count) bytes") }
        guard count > 0 else { return 0 }
        let bits = try bytes(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let unused = 64 - 8 * count
        return Int(Int64(bitPattern: bits << unused) >> unused)
    }

    /// The text up to the next line feed.
    private mutating func line() throws(PickleError) -> String {
        guard let end = bytes[place...].prefix(1000).firstIndex(of: 0x0a),
            let text = String(validating: bytes[place..<end], as: UTF8.self)
        else { throw fault("a name without an end") }
        place = end + 1
        return text
    }

    private func fault(_ what: String) -> PickleError {
        PickleError(.badPickle, "its pickle has \(what), before byte \(place): it is damaged, or not PyTorch's")
    }
}

/// The instructions that are read, by the names of `pickletools` or shorter ones.
private enum Instruction {
    static let mark = UInt8(ascii: "("), stop = UInt8(ascii: "."), pop = UInt8(ascii: "0"), popMark = UInt8(ascii: "1")
    static let dup = UInt8(ascii: "2"), none = UInt8(ascii: "N"), `true` = UInt8(0x88), `false` = UInt8(0x89)
    static let proto = UInt8(0x80), frame = UInt8(0x95)
    static let int1 = UInt8(ascii: "K"), int2 = UInt8(ascii: "M"), int4 = UInt8(ascii: "J")
    static let long1 = UInt8(0x8a), long4 = UInt8(0x8b), float = UInt8(ascii: "G")
    static let text1 = UInt8(0x8c), text4 = UInt8(ascii: "X"), text8 = UInt8(0x8d)
    static let emptyTuple = UInt8(ascii: ")"), tuple = UInt8(ascii: "t")
    static let tuple1 = UInt8(0x85), tuple2 = UInt8(0x86), tuple3 = UInt8(0x87)
    static let emptyList = UInt8(ascii: "]"), list = UInt8(ascii: "l")
    static let append = UInt8(ascii: "a"), appends = UInt8(ascii: "e")
    static let emptyDict = UInt8(ascii: "}"), dict = UInt8(ascii: "d")
    static let setItem = UInt8(ascii: "s"), setItems = UInt8(ascii: "u")
    static let get1 = UInt8(ascii: "h"), get4 = UInt8(ascii: "j"), put1 = UInt8(ascii: "q"), put4 = UInt8(ascii: "r")
    static let memoize = UInt8(0x94)
    static let global = UInt8(ascii: "c"), stackGlobal = UInt8(0x93), reduce = UInt8(ascii: "R")
    static let build = UInt8(ascii: "b"), persistentID = UInt8(ascii: "Q")
}
