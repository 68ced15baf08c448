import Commands
import Foundation
import Locks

/// The one end of this process: whoever comes first decides the line and the exit code, all others wait for it.
final class Ending: Sendable {
    private let hasBegun = Locked(false)

    /// Ends the process at once with `code`, without what the end of a program else runs: its other threads may be anywhere.
    ///
    /// `prepare` runs first, and only for the end that comes first.
    func end(code: Int32, saying line: String?, _ prepare: () -> Void = {}) -> Never {
        let isFirst = hasBegun.withLock { begun in
            defer { begun = true }
            return !begun
        }
        // Another thread is about to end the process.
        guard isFirst else { while true { sleep(1) } }
        if let line { printError(line) }
        prepare()
        _exit(code)
    }
}

/// How the processes of a run look after each other.
package struct ProcessPatience: Sendable {
    /// How long processes wait for each other at the start.
    package var join: Duration = .seconds(60)
    /// A process that gives no sign of life for so long is taken for hung.
    ///
    /// The signs come from a thread of their own, once a second: loading, validation or a long step do not matter.
    package var silence: Duration = .seconds(30)

    package init() {}
}

/// What one process says to another, each a line.
enum WatchMessage: Equatable {
    /// The first line of a process: its number, and the key that tells it from strangers.
    case hello(index: Int, key: String)
    case alive
    /// It has done its part; of process 0: all have.
    case done
    /// It ends with an error: its exit code and the line for people.
    case failed(code: Int32, text: String)
    /// All are to end, without a word.
    case end(code: Int32)

    init?(_ line: String) {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        switch (words.first, words.count) {
        case ("hello", 3):
            guard let index = Int(words[1]) else { return nil }
            self = .hello(index: index, key: words[2])
        case ("alive", 1): self = .alive
        case ("done", 1): self = .done
        case ("failed", 2...3):
            guard let code = Int32(words[1]) else { return nil }
            self = .failed(code: code, text: words.count == 3 ? words[2] : "")
        case ("end", 2):
            guard let code = Int32(words[1]) else { return nil }
            self = .end(code: code)
        default: return nil
        }
    }

    var line: String {
        switch self {
        case .hello(let index, let key): "hello \(index) \(key)"
        case .alive: "alive"
        case .done: "done"
        case .failed(let code, let text): "failed \(code) \(text.prefix(4000))"
        case .end(let code): "end \(code)"
        }
    }
}

/// One side of the watch that the processes of a run keep over each other.
protocol ProcessWatch: Sendable {
    /// Says that this process has done its part, and waits until all have.
    func finish()
    /// Ends all processes with `code`; one of them says `text`.
    func fail(code: Int32, text: String) -> Never
}

/// The time by a clock that stands still while the machine sleeps.
func watchTime() -> Duration { SuspendingClock.now.offset }

extension SuspendingClock.Instant {
    /// The time since some start.
    fileprivate var offset: Duration { SuspendingClock.Instant.start.duration(to: self) }
    private static let start = SuspendingClock.now
}

/// Waits up to a second for one of `descriptors` to be readable; their numbers that are.
func readable(_ descriptors: [Int32]) -> [Int] {
    var waits = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&waits, nfds_t(waits.count), 1000) > 0 else { return [] }
    return waits.indices.filter { waits[$0].revents != 0 }
}
