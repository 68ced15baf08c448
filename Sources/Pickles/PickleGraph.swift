/// The values of a pickle, each named by its number: values may have parts in common, and may even contain themselves.
struct PickleGraph {
    enum Value {
        case none
        case flag(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case tuple([Int32])
        case list([Int32])
        /// Keys and values by turns.
        case dictionary([Int32])
        /// A class or function of PyTorch's that describes tensors; nothing is ever called.
        case known(KnownGlobal)
        case storage(Int32)
        case tensor(Int32)
    }

    private(set) var values: [Value] = []
    private(set) var storages: [PickledStorage] = []
    private(set) var tensors: [PickledTensor] = []
    /// The number of the value that the pickle is of.
    var root: Int32 = 0

    subscript(number: Int32) -> Value { values[Int(number)] }

    /// Adds `value`; its number.
    mutating func add(_ value: Value) throws(PickleError) -> Int32 {
        guard values.count < PickleLimits.values else {
            throw PickleError(.tooLarge, "the pickle has more than \(PickleLimits.values) values")
        }
        values.append(value)
        return Int32(values.count - 1)
    }

    mutating func add(_ storage: PickledStorage) throws(PickleError) -> Int32 {
        storages.append(storage)
        return try add(.storage(Int32(storages.count - 1)))
    }

    mutating func add(_ tensor: PickledTensor) throws(PickleError) -> Int32 {
        tensors.append(tensor)
        return try add(.tensor(Int32(tensors.count - 1)))
    }

    /// Adds `parts` to the list or the dictionary `number`; false where it is neither.
    mutating func extend(_ number: Int32, by parts: ArraySlice<Int32>, isDictionary: Bool) -> Bool {
        // Held by nothing else while it grows: it is not copied.
        if isDictionary, case .dictionary(var own) = values[Int(number)] {
            values[Int(number)] = .none
            own += parts
            values[Int(number)] = .dictionary(own)
            return true
        }
        guard !isDictionary, case .list(var own) = values[Int(number)] else { return false }
        values[Int(number)] = .none
        own += parts
        values[Int(number)] = .list(own)
        return true
    }

    /// The whole number that `number` is; nil where it is none.
    func integer(_ number: Int32) -> Int? {
        guard case .integer(let value) = self[number] else { return nil }
        return value
    }

    /// The whole numbers of the tuple `number`; nil where it is none of them.
    func integers(_ number: Int32) -> [Int]? {
        guard case .tuple(let parts) = self[number] else { return nil }
        let numbers = parts.compactMap(integer)
        return numbers.count == parts.count ? numbers : nil
    }
}

/// Bounds on what a pickle may make: far above what checkpoints of billions of parameters need.
enum PickleLimits {
    static let byteCount = 64 << 20
    static let values = 2_000_000
    static let stack = 1_000_000
    static let marks = 1000
    static let textByteCount = 1 << 20
    static let dimensions = 64
}
