import Archives
import Fetching
import Foundation
import Locks
import SourceAdapters
import TestSupport
import Testing

@testable import Stages

/// How many are inside, and were at most.
private final class Inside: Sendable {
    private let count = Locked((now: 0, most: 0))
    var now: Int { count.withLock { $0.now } }
    var most: Int { count.withLock { $0.most } }
    func add(_ change: Int) { count.withLock { $0 = ($0.now + change, max($0.most, $0.now + change)) } }
}

/// The tickets of those that were let in, in turn.
private final class Entered: Sendable {
    private let tickets = Locked<[RowTicket]>([])
    var all: [RowTicket] { tickets.withLock { $0 } }
    func add(_ ticket: RowTicket) { tickets.withLock { $0.append(ticket) } }

    /// Waits until `count` are in, and a little longer.
    func expect(_ count: Int) async {
        while all.count < count { await Task.yield() }
        for _ in 0..<100 { await Task.yield() }
        #expect(all.count == count)
    }
}

@Suite("RowGate") struct RowGateTests {
    @Test(
        "lets in as many as may be in flight, callers in turn, and one however small the bounds are",
        .timeLimit(.minutes(1)))
    func bounds() async throws {
        for (rows, bytes) in [(1, 1), (3, 1), (3, 1 << 20), (8, 100)] {
            let gate = RowGate(.init(rows: rows, byteCount: bytes))
            let inside = Inside()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for row in 0..<40 {
                    group.addTask {
                        try await gate.enter()
                        inside.add(1)
                        gate.take(60)
                        for _ in 0..<(row % 7) { await Task.yield() }
                        inside.add(-1)
                        gate.take(-60)
                        gate.leave()
                    }
                }
                for try await _ in group {}
            }
            #expect(inside.most <= rows && inside.now == 0)
            #expect(gate.hasRoom)
        }
    }

    @Test("whoever is cancelled while it waits is let go, and takes nobody's turn", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let gate = RowGate(.init(rows: 1, byteCount: 1))
        try await gate.enter()
        let waits = Task { try await gate.enter() }
        waits.cancel()
        await #expect(throws: CancellationError.self) { try await waits.value }
        let next = Task { try await gate.enter() }
        gate.leave()
        try await next.value
    }

    @Test("a file of this machine is not read before there is room, nor more of them than there is room for")
    func files() async throws {
        let folder = try Project.temporaryFolder("files")
        for name in 0..<30 { try Data(count: 1000).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
        let gate = RowGate(.init(rows: 100, byteCount: 4000))
        let loader = ImageLoader(fetcher: try TestFlow().fetcher, roots: ImageRoots(), maxBytes: 100_000)
        gate.take(4000)
        let (inside, ended) = (Inside(), Inside())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in 0..<30 {
                group.addTask {
                    try await gate.enter()
                    let ticket = RowTicket(gate, UnitProgress())
                    defer { ticket.leave() }
                    let body = try #require(try? await loader.load(.stored("\(name)", in: [folder]), ticket).get())
                    ticket.hold(body.bytes.count)
                    inside.add(1)
                    for _ in 0..<20 { await Task.yield() }
                    inside.add(-1)
                    ended.add(1)
                }
            }
            for _ in 0..<1000 { await Task.yield() }
            #expect(ended.now == 0, "nothing is read while there is no room")
            gate.take(-4000)
            for try await _ in group {}
        }
        #expect(ended.now == 30)
        // Four of 1000 bytes fit; one more may have been let in before they were measured, for an eighth of the room each.
        #expect(inside.most <= 8)
    }

    @Test("tells when there is room for bytes again, once")
    func room() {
        let gate = RowGate(.init(rows: 3, byteCount: 100))
        let told = Locked(0)
        gate.whenRoomIsMade { told.withLock { $0 += 1 } }
        gate.take(60)
        gate.take(60)
        #expect(!gate.hasRoom)
        gate.take(-60)
        gate.take(-60)
        #expect(gate.hasRoom && told.withLock { $0 } == 1)
    }

    @Test("rows that are put off make room for others, up to a bound", .timeLimit(.minutes(1)))
    func putOff() async throws {
        let gate = RowGate(.init(rows: 2, putOff: 3, byteCount: 100))
        let entered = Entered()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await gate.enter()
                    entered.add(RowTicket(gate, UnitProgress()))
                }
            }
            await entered.expect(2)
            for count in 3...5 {
                entered.all[count - 3].putOff(until: .now)
                await entered.expect(count)
            }
            entered.all[3].putOff(until: .now)
            await entered.expect(5)  // three are put off and make room; the fourth does not
            entered.all[3].resumed()
            await entered.expect(5)  // a host that is asked again is in trouble still
            entered.all[3].fetched(byteCount: 0)
            await entered.expect(5)  // now two go on and three are put off
            entered.all[4].leave()
            await entered.expect(6)
            entered.all[0].leave()
            await entered.expect(6)  // two are put off, two go on
            for ticket in entered.all[1...3] { ticket.leave() }
            await entered.expect(7)
            entered.all[5].leave()
            await entered.expect(8)
            for try await _ in group {}
        }
    }

    @Test("lets nobody in while it is closed", .timeLimit(.minutes(1)))
    func closed() async throws {
        let gate = RowGate(.init(rows: 3, byteCount: 100))
        gate.setClosed(true)
        let entered = Locked(false)
        let task = Task {
            try await gate.enter()
            entered.withLock { $0 = true }
        }
        for _ in 0..<100 { await Task.yield() }
        #expect(!entered.withLock { $0 })
        gate.setClosed(false)
        try await task.value
    }
}

@Suite("A row in flight") struct RowTicketTests {
    @Test("is alive while it waits as it said, and while the models have rows of its unit and move")
    func phases() {
        let pulse = WorkerPulse()
        let progress = UnitProgress(pulse)
        let ticket = RowTicket(RowGate(.init(rows: 1, byteCount: 1)), progress)
        progress.allStarted()
        var sighting = UnitProgress.Sighting()
        func isAlive(after seconds: Int = 0) -> Bool {
            progress.isAlive(since: &sighting, now: .now + .seconds(seconds))
        }
        _ = isAlive()
        ticket.received(byteCount: 10)
        #expect(isAlive() && !isAlive(), "bytes came")
        ticket.putOff(until: .now + .seconds(50))
        #expect(progress.isParked && isAlive() && isAlive(after: 40) && !isAlive(after: 60))
        ticket.resumed()
        #expect(progress.isParked && isAlive() && isAlive(after: 40) && !isAlive(after: 60), "its host is probed")
        ticket.received(byteCount: 10)
        #expect(isAlive() && !isAlive(after: 60) && !progress.isParked, "its host answers")
        ticket.fetched(byteCount: 10)
        ticket.leave()
        progress.go(from: nil, to: .captioning)
        #expect(isAlive() && !isAlive())
        pulse.modelMoved()
        #expect(isAlive() && !isAlive())
        pulse.fetched()
        #expect(!isAlive(), "it waits for the models, and not for the network")
        progress.go(from: .captioning, to: nil)
        #expect(isAlive())
    }
}
