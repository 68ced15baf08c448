/// Groups records, in order, so that each group has at most `size` open ones: those that the models will see.
///
/// What a group holds depends on the rows alone, not on when they came: models see the same batches in every run.
struct Batcher {
    private let size: Int
    private var pending: [SampleRecord] = []
    private var openCount = 0

    init(size: Int) {
        precondition(size > 0, "a batch holds at least one image")
        self.size = size
    }

    /// Takes `record`; gives a group when it completes one.
    mutating func add(_ record: SampleRecord) -> [SampleRecord]? {
        pending.append(record)
        openCount += record.rejection == nil ? 1 : 0
        return openCount == size || pending.count == 64 * size ? flush() : nil
    }

    /// What is left; nil when nothing is.
    mutating func flush() -> [SampleRecord]? {
        defer { (pending, openCount) = ([], 0) }
        return pending.isEmpty ? nil : pending
    }
}
