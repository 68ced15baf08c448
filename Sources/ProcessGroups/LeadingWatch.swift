import Commands
import Foundation
import Glibc
import Locks

/// The watch of process 0: hears all others, and tells all when one is lost.
///
/// A thread of its own sends and hears the signs of life, whatever the rest of the process does.
final class LeadingWatch: ProcessWatch {
    private struct State {
        /// By the process's number.
        var connections: [Int: LineConnection] = [:]
        /// Those that have not said who they are.
        var strangers: [LineConnection] = []
        var signs: LifeSigns
        var isDone = false
    }

    let port: UInt16
    private let listener: Int32
    private let key: String
    private let place: ProcessPlace
    private let hosts: [String]
    private let ending: Ending
    private let state: Locked<State>
    private let finished = DispatchSemaphore(value: 0)

    /// Begins to watch the processes of `place`'s run, which are on `hosts`.
    init(
        _ place: ProcessPlace, hosts: [String], key: String, patience: ProcessPatience, ending: Ending
    ) throws(ProcessFault) {
        (listener, port) = try listenAnywhere()
        (self.place, self.hosts, self.key, self.ending) = (place, hosts, key, ending)
        state = Locked(State(signs: LifeSigns(of: 1..<place.count, limit: patience.silence, now: watchTime())))
        let thread = Thread { [self] in watch() }
        thread.name = "watch"
        thread.start()
    }

    func finish() {
        state.withLock { $0.isDone = true }
        finished.wait()
    }

    func fail(code: Int32, text: String) -> Never { end(code, saying: text) }

    private func end(_ code: Int32, saying text: String?) -> Never {
        ending.end(code: code, saying: text) {
            for connection in state.withLock({ Array($0.connections.values) }) {
                connection.send(WatchMessage.end(code: code).line)
            }
        }
    }

    private func watch() {
        var next = watchTime()
        while true {
            let (known, strangers) = state.withLock { (Array($0.connections), $0.strangers) }
            let all = known.map(\.value) + strangers
            let ready = readable([listener] + all.map(\.descriptor))
            for place in ready where place > 0 {
                let place = place - 1
                hear(all[place], from: place < known.count ? known[place].key : nil)
            }
            if ready.contains(0) { accept() }
            guard watchTime() >= next else { continue }
            next = watchTime() + .seconds(1)
            if tick() { return }
        }
    }

    private func accept() {
        while case let descriptor = Glibc.accept(listener, nil, nil), descriptor >= 0 {
            state.withLock { state in
                // A stranger that says nothing does not keep others out.
                if state.strangers.count > 2 * place.count { state.strangers.removeFirst() }
                state.strangers.append(LineConnection(descriptor))
            }
        }
    }

    private func hear(_ connection: LineConnection, from known: Int?) {
        let (lines, hasEnded) = connection.read()
        var process = known
        for line in lines {
            let message = WatchMessage(line)
            if let process {
                take(message, from: process)
            } else if case .hello(let index, let key) = message, key == self.key, (1..<place.count).contains(index) {
                process = index
                state.withLock { state in
                    state.connections[index] = connection
                    state.signs.hear(index, now: watchTime())
                }
            }
        }
        state.withLock { state in
            if process != nil || hasEnded { state.strangers.removeAll { $0 === connection } }
        }
        guard hasEnded, let process else { return }
        let isLost = state.withLock { state in
            state.connections[process] = nil
            return state.signs.isRunning(process)
        }
        if isLost { lost(process, "ended without a word", isDeath: true) }
    }

    private func take(_ message: WatchMessage?, from process: Int) {
        state.withLock { $0.signs.hear(process, now: watchTime()) }
        switch message {
        case .done: state.withLock { $0.signs.note(done: process) }
        case .failed(let code, let text): end(code, saying: "\(name(of: process)): \(text)")
        default: break
        }
    }

    /// Sends a sign of life and looks for processes that give none; whether all have done their part.
    private func tick() -> Bool {
        let (silent, areDone, connections) = state.withLock { state in
            (
                state.signs.silent(now: watchTime()), state.isDone && state.signs.areDone,
                Array(state.connections.values)
            )
        }
        if let silent {
            lost(silent, "gave no sign of life for \(state.withLock { $0.signs.limit.components.seconds }) s")
        }
        for connection in connections { connection.send((areDone ? WatchMessage.done : .alive).line) }
        if areDone {
            close(listener)
            finished.signal()
        }
        return areDone
    }

    private func lost(_ process: Int, _ what: String, isDeath: Bool = false) -> Never {
        let isSaidElsewhere = isDeath && place.isLaunched
        end(lostCode, saying: isSaidElsewhere ? nil : lostLine(name(of: process), what, resumes: place.resumes))
    }

    private func name(of process: Int) -> String { processName(process, place.count, hosts[process]) }
}

/// The exit code of a run that has lost a process: to be started again.
let lostCode = CommandError.Code.outage.rawValue

/// A process as people are told of it.
func processName(_ index: Int, _ count: Int, _ host: String) -> String { "process \(index) of \(count) (\(host))" }

/// The line that says of the loss of a process what to do.
func lostLine(_ name: String, _ what: String, resumes: Bool) -> String {
    "\(name) \(what): run the same command again" + (resumes ? "; it resumes from the last checkpoint" : "")
}
