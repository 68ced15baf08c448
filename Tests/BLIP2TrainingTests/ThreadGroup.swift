import Foundation
import Synchronization
import Tensors

/// Processes as threads of this one, which meet in memory: what a step asks of its group, without a network.
final class ThreadGroup: ProcessGroup {
    let index: Int
    var count: Int { place.count }
    private let place: MeetingPlace

    private init(_ index: Int, _ place: MeetingPlace) { (self.index, self.place) = (index, place) }

    /// Runs `body` for each of `count` processes at once, and gives what they made, by index.
    static func run<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (ThreadGroup) throws -> Value
    ) throws -> [Value] {
        let place = MeetingPlace(count)
        let results = Mutex<[Int: Result<Value, any Error>]>([:])
        let done = DispatchSemaphore(value: 0)
        for index in 0..<count {
            let thread = Thread {
                let made = Result { try body(ThreadGroup(index, place)) }
                results.withLock { $0[index] = made }
                if case .failure = made { place.end() }
                done.signal()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        for _ in 0..<count { done.wait() }
        return try results.withLock { results in try (0..<count).compactMap { try results[$0]?.get() } }
    }

    func sum(_ tensors: [Tensor]) throws {
        let all = try place.exchange(index, tensors.map { try ($0.shape, $0.to(.float32).floats()) })
        for (number, tensor) in tensors.enumerated() {
            var sum = all[0][number].1
            for other in all.dropFirst() { for place in sum.indices { sum[place] += other[number].1[place] } }
            try tensor.assign(Tensor(sum, shape: tensor.shape).to(tensor.dtype))
        }
    }

    func gathered(_ tensor: Tensor) throws -> Tensor {
        let all = try place.exchange(index, (tensor.shape, tensor.detached().to(.float32).floats()))
        return try concatenated(all.map { try Tensor($0.1, shape: $0.0).to(tensor.dtype) }, dimension: 0)
    }

    func gathered(_ bytes: [UInt8]) throws -> [[UInt8]] { try place.exchange(index, bytes) }

    func exchanged(_ parts: [Tensor]) throws -> [Tensor] {
        let all = try place.exchange(index, parts.map { try ($0.shape, $0.detached().to(.float32).floats()) })
        return try all.map { try Tensor($0[index].1, shape: $0[index].0).to(parts[0].dtype) }
    }

    func meet() throws { _ = try place.exchange(index, 0) }
}

/// Where threads give a value each and get those of all.
private final class MeetingPlace: Sendable {
    struct Ended: Error {}

    private struct State: Sendable {
        var given: [Int: any Sendable] = [:]
        var taken = 0
        var round: [any Sendable]?
        var isOver = false
    }

    let count: Int
    private let state = Mutex(State())

    init(_ count: Int) { self.count = count }

    /// Lets nobody wait any more.
    func end() { state.withLock { $0.isOver = true } }

    func exchange<Value: Sendable>(_ index: Int, _ value: Value) throws -> [Value] {
        // The round before must be over: all have taken from it.
        try wait { state in
            guard state.round == nil else { return false }
            state.given[index] = value
            if state.given.count == count {
                state.round = (0..<count).compactMap { state.given[$0] }
                state.given = [:]
            }
            return true
        }
        var values: [Value] = []
        try wait { state in
            guard let round = state.round else { return false }
            values = round.compactMap { $0 as? Value }
            state.taken += 1
            if state.taken == count { (state.round, state.taken) = (nil, 0) }
            return true
        }
        return values
    }

    private func wait(_ isReady: (inout State) -> Bool) throws {
        while true {
            let (ready, over) = state.withLock { state in (isReady(&state), state.isOver) }
            if ready { return }
            if over { throw Ended() }
            Thread.sleep(forTimeInterval: 0.0005)
        }
    }
}
