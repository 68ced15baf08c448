import Samples

/// Of the first rows of some files, how many cannot be read.
struct HeadRows {
    /// So many are enough to judge a file by.
    static let most = 100
    private static let byteLimit = 4 << 20

    private var count = 0
    private var bad = 0
    /// The first that cannot be read.
    private var first: (path: String, fault: String)?

    /// Of no file.
    init() {}

    /// The first hundred rows that `cursor` gives.
    init(_ cursor: any ListCursor) throws(SourceError) {
        while !isFull, cursor.position.offset < Self.byteLimit, let row = try cursor.next() {
            count += 1
            let isNowhere = row.url.isEmpty && row.path == nil && row.image == nil
            guard let fault = row.fault ?? (isNowhere ? "no URL" : nil) else { continue }
            bad += 1
            first = first ?? (cursor.path, fault)
        }
    }

    /// Whether there are enough of them to judge a file by.
    var isFull: Bool { count >= Self.most }

    mutating func add(_ other: HeadRows) {
        count += other.count
        bad += other.bad
        first = first ?? other.first
    }

    /// Where nine of ten cannot be read, the list is to blame: the file of the first, and what to say of it.
    var verdict: (path: String, fault: String)? {
        guard let first, bad * 10 >= count * 9 else { return nil }
        let rows =
            bad < count
            ? "\(bad) of the first \(count) rows" : count == 1 ? "the only row" : "all of the first \(count) rows"
        return (first.path, "\(rows) cannot be read: \(first.fault)")
    }
}
