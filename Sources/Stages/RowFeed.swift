import Samples
import SourceAdapters

/// Takes the rows of one unit from their list, some at a time, on a thread that the disk may block.
actor RowFeed {
    /// Rows that are read ahead.
    private static let rowLimit = 64
    /// Bytes of images among them: rows of archives bring theirs along.
    private static let byteLimit = 1 << 20

    private let unit: WorkUnit
    private let adapter: any SourceAdapter
    private let executor = QueueExecutor(label: "list")
    private var reader: (any RowReader)?
    private var taken = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(_ unit: WorkUnit, of adapter: any SourceAdapter) { (self.unit, self.adapter) = (unit, adapter) }

    /// The next rows; none after the unit's last.
    ///
    /// - Throws: A `SourceError` where the list cannot be read any more, or has fewer rows than the unit.
    func next() throws -> [ListedRow] {
        var reader = try self.reader ?? adapter.reader(of: unit)
        defer { self.reader = reader }
        var (rows, byteCount): ([ListedRow], Int) = ([], 0)
        while rows.count < Self.rowLimit, byteCount < Self.byteLimit, taken < unit.rowCount {
            guard let row = try reader.next() else {
                throw SourceError(.changed, unit.source, "it has fewer rows than when it was planned")
            }
            if case .kept(let kept) = row.outcome, case .bytes(let bytes) = kept.location { byteCount += bytes.count }
            rows.append(row)
            taken += 1
        }
        return rows
    }
}
