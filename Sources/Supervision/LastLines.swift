import Foundation
import Locks

/// The last lines that a worker wrote, the last error among all, and the rows on which it crashed.
final class LastLines: Sendable {
    private static let shownLength = 500

    private let state = Locked((lines: [String](), reason: String?.none, crashes: [CrashReport]()))

    /// Takes in a line; whether it is one for people.
    func add(_ line: String) -> Bool {
        if line.isEmpty { return false }
        if line.hasPrefix("\u{1e}") {
            if let crash = CrashReport(line: line) { state.withLock { $0.crashes.append(crash) } }
            return false
        }
        state.withLock { state in
            state.lines.append(line)
            if state.lines.count > 5 { state.lines.removeFirst() }
            state.reason = Self.error(in: line) ?? state.reason
        }
        return true
    }

    var crashes: [CrashReport] { state.withLock { $0.crashes } }

    /// What the last error line says; nil when there is none.
    var reason: String? { state.withLock { $0.reason }.map { String($0.prefix(4 * Self.shownLength)) } }

    /// The lines behind a colon; empty when there are none.
    var text: String {
        let lines = state.withLock { $0.lines }.map { $0.prefix(Self.shownLength) }
        return lines.isEmpty ? "" : ": " + lines.joined(separator: " | ")
    }

    /// The message of an error line, as text or as JSON.
    private static func error(in line: String) -> String? {
        if line.hasPrefix("error: ") { return String(line.dropFirst("error: ".count)) }
        struct Entry: Decodable {
            let level: String
            let message: String
        }
        guard line.hasPrefix("{"), let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)),
            entry.level == "error"
        else { return nil }  // another line, or no JSON
        return entry.message
    }
}
