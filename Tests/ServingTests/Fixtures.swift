import Foundation
import Locks
import Logging
import TestSupport

@testable import Serving

/// A server on loopback while a test talks to it.
struct Site: Sendable {
    /// The longest body that is read.
    static let bodyLimit = 1000

    let server: WebServer
    let port: UInt16

    /// Serves `/` with "hello", `/echo` with the body that was sent, `/unread` without reading it, `/held` once `gate` opens.
    static func run(
        _ limits: WebLimits = WebLimits(), gate: Gate = Gate(), faults: Faults = Faults(),
        _ body: @escaping @Sendable (Site) async throws -> Void
    ) async throws {
        let server = try WebServer(host: "127.0.0.1", port: 0, limits: limits, logger: silent) { request in
            switch request.path {
            case "/": return WebAnswer(status: 200, body: Data("hello".utf8))
            case "/held":
                await gate.wait()
                return WebAnswer(status: 200, body: Data("at last".utf8))
            case "/unread": return WebAnswer(status: 401, closes: true)
            case "/echo":
                do throws(BodyFault) {
                    return WebAnswer(status: 200, body: try await request.body(limit: bodyLimit))
                } catch {
                    faults.list.withLock { $0.append(error) }
                    return WebAnswer(status: error == .tooLong ? 413 : 400, closes: true)
                }
            default: return WebAnswer(status: 404)
            }
        }
        try await server.serve { url in
            try await body(Site(server: server, port: UInt16(url.split(separator: ":").last ?? "") ?? 0))
        }
    }

    /// A new connection.
    func connection() throws -> RawConnection { try RawConnection(port: port) }

    /// What comes back on a connection of its own until it ends.
    func exchange(_ text: String) async throws -> String {
        let connection = try connection()
        return await offPool {
            connection.send(text)
            return String(decoding: connection.receive(), as: UTF8.self)
        }
    }

    /// Whether one who asks as one should is answered.
    func isServing() async throws -> Bool {
        try await exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").hasSuffix("\r\n\r\nhello")
    }
}

/// What went wrong with bodies.
final class Faults: Sendable {
    let list = Locked<[BodyFault]>([])
    var all: [BodyFault] { list.withLock { $0 } }
}

/// Whether something happened.
final class Flag: Sendable {
    let isSet = Locked(false)
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Lets nobody through until it is opened.
final class Gate: Sendable {
    private let state = Locked((isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// Runs what waits for a socket on a thread of its own: many at once may not keep one another waiting.
func offPool<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// Bytes of memory that this process has in use.
func residentBytes() throws -> Int {
    let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
    return (Int(pages) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
}
