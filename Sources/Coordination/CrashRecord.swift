import Files
import Foundation
import Samples

/// A row on which a worker crashed.
package struct CrashedRow: Hashable, Sendable, Codable {
    /// The row's number in its source.
    package let row: Int
    /// The signal that ended the worker.
    package let signal: Int

    package init(row: Int, signal: Int) { (self.row, self.signal) = (row, signal) }
}

/// The rows of a build on which workers crashed, in a file that outlives the coordinator.
///
/// Each line is the worker, the source, the row and the signal, with blanks between them.
package struct CrashRecord: Sendable {
    private let path: String?
    private var lines: [String]
    /// By source and row.
    private var signals: [String: [Int: Int]] = [:]

    /// Reads the file `path`, where it is there; without a path, nothing is kept.
    package init(path: String?) {
        self.path = path
        let text = path.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? ""  // no crash yet
        lines = text.split(separator: "\n").map(String.init)
        for line in lines {
            // From the end: a worker's name may have blanks, or be empty.
            let parts = Array(line.split(separator: " ").reversed())
            // A line that cannot be read was cut.
            guard parts.count >= 3, let signal = Int(parts[0]), let row = Int(parts[1]) else { continue }
            signals[String(parts[2]), default: [:]][row] = signal
        }
    }

    /// Adds a crash, durably; false where it is known already.
    mutating func add(_ crash: CrashedRow, of lease: Lease) throws(CoordinationError) -> Bool {
        let source = lease.unit.source
        guard signals[source]?[crash.row] == nil else { return false }
        let worker = lease.worker.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let new = lines + ["\(worker) \(source) \(crash.row) \(crash.signal)"]
        if let path {
            do {
                try writeFile(Array(new.map { "\($0)\n" }.joined().utf8), to: path)
            } catch {
                throw CoordinationError(.store, path, error.reason, number: error.number)
            }
        }
        lines = new
        signals[source, default: [:]][crash.row] = crash.signal
        return true
    }

    /// The rows of `unit` on which workers crashed, in order.
    func rows(of unit: WorkUnit) -> [CrashedRow] {
        let rows = unit.firstRow..<unit.firstRow + unit.rowCount
        return signals[unit.source, default: [:]].filter { rows.contains($0.key) }.sorted { $0.key < $1.key }
            .map { CrashedRow(row: $0.key, signal: $0.value) }
    }
}
