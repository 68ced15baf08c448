/// Groups rows, in order, so that each group has at most `size` open ones: those that the models will see.
///
/// What a group holds depends on the rows alone, not on when they came: models see the same batches in every run.
struct Batcher<Row> {
    private let size: Int
    private let isOpen: (Row) -> Bool
    private var pending: [Row] = []
    private var openCount = 0

    init(size: Int, isOpen: @escaping (Row) -> Bool) {
        precondition(size > 0, "a batch holds at least one image")
        self.size = size
        self.isOpen = isOpen
    }

    /// Takes `row`; gives a group when it completes one.
    mutating func add(_ row: Row) -> [Row]? {
        pending.append(row)
        openCount += isOpen(row) ? 1 : 0
        return openCount == size || pending.count == 64 * size ? flush() : nil
    }

    /// What is left; nil when nothing is.
    mutating func flush() -> [Row]? {
        defer { (pending, openCount) = ([], 0) }
        return pending.isEmpty ? nil : pending
    }
}
