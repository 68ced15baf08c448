import Samples
import Synchronization

/// How far a work unit is, counted while it runs.
package final class UnitProgress: Sendable {
    package struct Counts: Sendable, Equatable {
        /// Rows done, whatever became of them.
        package var rows = 0
        package var samples = 0
        package var fetchedByteCount = 0
        /// Rows left out, by the raw value of their reason.
        package var rejections: [String: Int] = [:]
        package init() {}
    }

    private let state = Mutex(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    package func count(_ row: FinishedRow) {
        state.withLock { counts in
            counts.rows += 1
            switch row {
            case .kept(let row, _):
                counts.fetchedByteCount += row.fetchedByteCount
                counts.samples += 1
            case .leftOut(let row):
                counts.fetchedByteCount += row.fetchedByteCount
                counts.rejections[row.rejection.reason.rawValue, default: 0] += 1
            }
        }
    }
}
