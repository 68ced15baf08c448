import Commands
import Foundation
package import Tensors

/// The processes of a run, joined: how they exchange tensors, and the watch that they keep over each other.
///
/// A process that dies or hangs ends all others within a minute, with exit code 75 and one line that names it. What fails in
/// one process ends all with its exit code and its line.
package final class JoinedProcesses: Sendable {
    package let place: ProcessPlace
    /// For all that the training thread exchanges.
    package let group: GlooGroup
    /// For the gradients alone, which another thread exchanges meanwhile.
    package let gradients: GlooGroup

    private let watch: any ProcessWatch
    private let patience: ProcessPatience

    /// Joins the processes of `place`'s run; waits for them.
    ///
    /// Throws a `CommandError` with exit code 75 where they do not come together; where another process said why, this one
    /// ends at once.
    package init(joining place: ProcessPlace, patience: ProcessPatience = ProcessPatience()) throws {
        guard ProcessStore.isAvailable else {
            throw CommandError(.badInput, "this libtorch cannot be used by several processes: start one")
        }
        (self.place, self.patience) = (place, patience)
        let meeting: Meeting
        do {
            meeting = try Meeting(place, patience)
            watch = try meeting.watch(Ending())
        } catch let fault as ProcessFault {
            throw CommandError(.outage, fault.description)
        } catch let error as TorchError {
            throw CommandError(.outage, "the processes do not come together: \(firstLine(error.message))")
        }
        do {
            group = try meeting.group("training")
            gradients = try meeting.group("gradients")
        } catch let error as TorchError {
            watch.lost(error, patience)
        }
    }

    /// Runs this process's part of the work, and waits until all have done theirs.
    ///
    /// An error of `body` ends all processes: with the message and the exit code of a `CommandError`, with code 70 for
    /// others. The loss of another process is named by the watch. Cancellation, which all must agree on, is thrown on when
    /// all have stopped.
    package func run<Value>(_ body: () async throws -> Value) async throws -> Value {
        let result: Value
        do {
            result = try await body()
        } catch is CancellationError {
            watch.finish()
            throw CancellationError()
        } catch let error as CommandError {
            watch.fail(code: error.code.rawValue, text: error.message)
        } catch let error as TorchError where error.kind == .groupLost {
            watch.lost(error, patience)
        } catch {
            watch.fail(code: CommandError.Code.internalFault.rawValue, text: "internal error: \(error)")
        }
        watch.finish()
        return result
    }
}

extension ProcessWatch {
    /// Ends all since the processes cannot exchange anything any more, which `error` says.
    fileprivate func lost(_ error: TorchError, _ patience: ProcessPatience) -> Never {
        // The watch knows soon who is lost, and ends this process.
        sleep(UInt32(patience.silence.components.seconds) + 5)
        fail(code: lostCode, text: "the processes do not reach each other any more: \(firstLine(error.message))")
    }
}

/// An error's message without the places in the library's source that follow.
private func firstLine(_ text: String) -> String { String(text.prefix { $0 != "\n" }) }

/// How the processes find each other, through the store.
private struct Meeting {
    let place: ProcessPlace
    let patience: ProcessPatience
    let store: ProcessStore
    let address: String

    init(_ place: ProcessPlace, _ patience: ProcessPatience) throws {
        (self.place, self.patience) = (place, patience)
        let isServer = place.index == 0 && !place.isStoreServed
        do {
            store = try ProcessStore(
                host: place.host, port: place.port, serves: isServer, prefix: "/blip2/\(place.attempt)",
                timeout: patience.join)
        } catch {
            let seconds = patience.join.components.seconds
            throw ProcessFault(
                isServer
                    ? "process 0 of \(place.count): \(place.host):\(place.port) cannot be served: "
                        + "\(firstLine(error.message)); MASTER_ADDR must be an address of this machine"
                    : "process 0 of \(place.count) did not come: \(place.host):\(place.port) did not answer "
                        + "process \(place.index) within \(seconds) s; MASTER_ADDR must be an address of its machine")
        }
        address = try ownAddress(
            towards: place.host, isAmongSeveral: place.localCount < place.count,
            interface: ProcessInfo.processInfo.environment["GLOO_SOCKET_IFNAME"])
    }

    /// Waits for all processes, and begins the watch.
    func watch(_ ending: Ending) throws -> any ProcessWatch {
        try store.set("process/\(place.index)", to: ProcessInfo.processInfo.hostName)
        return place.index == 0 ? try lead(ending) : try follow(ending)
    }

    /// As process 0: says where it listens once all are here.
    private func lead(_ ending: Ending) throws -> any ProcessWatch {
        let end = ContinuousClock.now + patience.join
        var hosts: [String] = []
        var missing: [Int] = []
        for index in 0..<place.count {
            // Those that came are found at once, when the time is over too.
            if let host = try? store.text(
                of: "process/\(index)", timeout: max(.milliseconds(100), end - ContinuousClock.now))
            {
                hosts.append(host)
            } else {
                missing.append(index)
            }
        }
        guard missing.isEmpty else {
            try store.set("watch", to: "end")
            if !place.isStoreServed { sleep(1) }  // the store ends with this process: the others read it first
            let names = missing.prefix(8).map(String.init).joined(separator: ", ") + (missing.count > 8 ? ", …" : "")
            throw ProcessFault(
                "process \(names) of \(place.count) did not come within \(patience.join.components.seconds) s")
        }
        let key = (0..<4).map { _ in String(UInt32.random(in: 0...UInt32.max), radix: 16) }.joined()
        let watch = try LeadingWatch(place, hosts: hosts, key: key, patience: patience, ending: ending)
        try store.set("watch", to: "\(watch.port) \(key) \(address) \(hosts[0])")
        return watch
    }

    private func follow(_ ending: Ending) throws -> any ProcessWatch {
        guard let text = try? store.text(of: "watch", timeout: patience.join + .seconds(10)) else {
            throw ProcessFault("process 0 of \(place.count) (\(place.host)) did not answer any more")
        }
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 4, let port = UInt16(words[0]) else {
            // Process 0 has said who is missing.
            ending.end(code: lostCode, saying: nil)
        }
        return try FollowingWatch(
            place, address: words[2], port: port, host: words[3], key: words[1], patience: patience, ending: ending)
    }

    /// A group of all; a call in it waits as long as the watch finds that all live.
    func group(_ name: String) throws -> GlooGroup {
        try GlooGroup(
            name, over: store, index: place.index, count: place.count, address: address, timeout: .seconds(7 * 86_400))
    }
}
