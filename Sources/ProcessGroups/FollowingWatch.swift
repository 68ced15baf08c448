import Foundation
import Locks

/// The watch of the processes other than 0: tells process 0 that this one lives, and hears from it whether all others do.
final class FollowingWatch: ProcessWatch {
    private let connection: LineConnection
    private let place: ProcessPlace
    /// The host of process 0.
    private let host: String
    private let ending: Ending
    private let signs: Locked<LifeSigns>
    private let finished = DispatchSemaphore(value: 0)
    private let isDone = Locked(false)

    /// Begins to watch process 0, which listens at `port` of `address`.
    init(
        _ place: ProcessPlace, address: String, port: UInt16, host: String, key: String, patience: ProcessPatience,
        ending: Ending
    ) throws(ProcessFault) {
        connection = LineConnection(try connected(to: address, port))
        (self.place, self.host, self.ending) = (place, host, ending)
        signs = Locked(LifeSigns(of: [0], limit: patience.silence, now: watchTime()))
        connection.send(WatchMessage.hello(index: place.index, key: key).line)
        let thread = Thread { [self] in watch() }
        thread.name = "watch"
        thread.start()
    }

    func finish() {
        isDone.withLock { $0 = true }
        connection.send(WatchMessage.done.line)
        finished.wait()
    }

    func fail(code: Int32, text: String) -> Never {
        connection.send(WatchMessage.failed(code: code, text: text).line)
        // Process 0 says it, and tells all to end; where it cannot any more, this one speaks for itself.
        for _ in 0..<50 { usleep(200_000) }
        ending.end(code: code, saying: text)
    }

    private func watch() {
        var next = watchTime()
        while true {
            let isReady = !readable([connection.descriptor]).isEmpty
            let (lines, hasEnded) = isReady ? connection.read() : ([], false)
            for line in lines {
                signs.withLock { $0.hear(0, now: watchTime()) }
                switch WatchMessage(line) {
                case .end(let code): ending.end(code: code, saying: nil)
                case .done:
                    finished.signal()
                    return
                default: break
                }
            }
            if hasEnded { lost("ended without a word", isDeath: true) }
            guard watchTime() >= next else { continue }
            next = watchTime() + .seconds(1)
            if signs.withLock({ $0.silent(now: watchTime()) }) != nil {
                lost("gave no sign of life for \(signs.withLock { $0.limit.components.seconds }) s")
            }
            connection.send((isDone.withLock { $0 } ? WatchMessage.done : .alive).line)
        }
    }

    /// Ends this process since process 0 is lost; the first on each host says so.
    private func lost(_ what: String, isDeath: Bool = false) -> Never {
        let speaker = host == ProcessInfo.processInfo.hostName ? 1 : 0
        let isSilent = place.localIndex != speaker || (isDeath && place.isLaunched)
        let line = lostLine(processName(0, place.count, host), what, resumes: place.resumes)
        ending.end(code: lostCode, saying: isSilent ? nil : line)
    }
}
