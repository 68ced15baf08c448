import CProcess
import Foundation

/// A child process that is told lines and answers with lines.
///
/// Nobody waits for a full pipe: what comes is read while a line is written, and what goes to standard error is read too. The
/// process ends with the thread that started it, at the latest.
final class AnsweringProcess {
    /// Why there is no answer.
    enum Fault: Error {
        /// Not started, for this reason.
        case notStarted(String)
        /// It ended, or closed its standard output or input.
        case ended
        /// It did nothing for as long as it may.
        case silent
        /// A line, or what it said without being asked, is longer than any answer.
        case endless
        /// It answered this, which is no answer.
        case malformed(String)
        /// The caller does not want to go on.
        case cancelled
    }

    /// More than any answer has; what is said ahead of time counts as well.
    private static let unreadLimit = 1 << 24
    private static let errorLimit = 1 << 12

    private var process = cprocess_t()
    private var isRunning = true
    private let patience: Duration
    private let isCancelled: () -> Bool
    private var unread: [UInt8] = []
    private var hasEnded = false
    /// The beginning of what it wrote to standard error.
    private var errorBytes: [UInt8] = []

    /// Starts `arguments`, of which the first is a path; one that does nothing for `patience` is given up.
    init(_ arguments: [String], patience: Duration, isCancelled: @escaping () -> Bool) throws(Fault) {
        (self.patience, self.isCancelled) = (patience, isCancelled)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let code = cprocess_start_answering(&process, &words)
        guard code == 0 else {
            isRunning = false
            throw .notStarted(String(cString: strerror(code)))
        }
    }

    deinit { end() }

    /// Kills the process; how it ended: its exit code, or minus the signal.
    @discardableResult func end() -> Int32 {
        guard isRunning else { return 0 }
        isRunning = false
        return cprocess_reap(&process)
    }

    /// The first line that it wrote to standard error; empty where there is none.
    var complaint: String {
        let line = errorBytes.split(separator: UInt8(ascii: "\n")).first { !$0.isEmpty } ?? []
        return String(decoding: line, as: UTF8.self)
    }

    /// Tells it a line.
    func tell(_ line: String) throws(Fault) {
        var rest = Array((line + "\n").utf8)[...]
        try waiting(for: process.input) { () throws(Fault) in
            let count = rest.withUnsafeBytes { cprocess_write(&process, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) }
            if count < 0, errno != EAGAIN, errno != EINTR { throw .ended }
            if !rest.isEmpty, hasEnded { throw .ended }
            return (isDone: rest.isEmpty, isDoing: count > 0)
        }
    }

    /// Its next line, without the line end.
    func answer() throws(Fault) -> String {
        var searched = 0
        var end: Int?
        try waiting(for: -1) { () throws(Fault) in
            end = unread[searched...].firstIndex(of: UInt8(ascii: "\n"))
            searched = unread.count
            if end == nil, hasEnded { throw .ended }
            return (isDone: end != nil, isDoing: false)
        }
        let line = String(decoding: unread[..<(end ?? 0)], as: UTF8.self)
        unread.removeFirst((end ?? 0) + 1)
        return line
    }

    /// Tries `attempt` until it is done, and reads between the attempts, when there is something to read or `descriptor` can
    /// be written to.
    private func waiting(
        for descriptor: Int32, _ attempt: () throws(Fault) -> (isDone: Bool, isDoing: Bool)
    ) throws(Fault) {
        var last = ContinuousClock.now
        while true {
            let (isDone, isDoing) = try attempt()
            if isDone { return }
            if isCancelled() { throw .cancelled }
            let isHeard = try hear(orWriteTo: descriptor)
            if isHeard || isDoing { last = .now }
            if ContinuousClock.now - last > patience { throw .silent }
        }
    }

    /// Waits a short while for something to do, and reads what has come; whether anything has.
    private func hear(orWriteTo descriptor: Int32) throws(Fault) -> Bool {
        var waits = [
            pollfd(fd: hasEnded ? -1 : process.output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: process.errors, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: process.pidfd, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&waits, nfds_t(waits.count), 200)
        let said = try read(process.output) { unread += $0 }
        let complained = try read(process.errors) { errorBytes += $0.prefix(Self.errorLimit - errorBytes.count) }
        // What it left behind may hold the pipe open.
        if said == .end || (waits[3].revents != 0 && said == .nothing) { hasEnded = true }
        if complained == .end {
            close(process.errors)
            process.errors = -1
        }
        guard unread.count <= Self.unreadLimit else { throw .endless }
        return said == .something || complained == .something
    }

    private enum Reading { case something, nothing, end }

    private func read(_ descriptor: Int32, _ take: (ArraySlice<UInt8>) -> Void) throws(Fault) -> Reading {
        guard descriptor >= 0 else { return .nothing }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count > 0 { take(buffer[..<count]) }
        return count > 0 ? .something : count == 0 ? .end : .nothing
    }
}
