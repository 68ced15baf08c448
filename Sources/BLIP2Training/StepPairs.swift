import Loading
import Samples
import Tensors

// Shape letters of this file: b own pairs, N pairs of the global batch.

/// The pairs of a step's global batch, as every process knows them: their texts, and which of them have one image.
struct StepPairs {
    /// The token ids of every pair's text.
    let texts: [[Int]]
    /// Pairs of equal images have equal labels.
    let labels: [Int]
    /// The pairs of each process; the batch's order is that of the processes.
    let owners: [Range<Int>]

    private static let digestLength = 64  // hexadecimal digits

    /// The pairs of the processes of `group`, of which `batch` has this one's.
    init(_ batch: TrainingBatch, _ group: any ProcessGroup) throws {
        let own = zip(batch.digests, batch.tokens).map { Self.message($0, $1[0]) }
        let messages = try group.gathered(Array(own.joined()))
        var (texts, digests, owners): ([[Int]], [ArraySlice<UInt8>], [Range<Int>]) = ([], [], [])
        for message in messages {
            let first = texts.count
            var rest = message[...]
            while !rest.isEmpty {
                digests.append(rest.prefix(Self.digestLength))
                rest = rest.dropFirst(Self.digestLength)
                let count = Self.number(&rest)
                texts.append((0..<count).map { _ in Self.number(&rest) })
            }
            owners.append(first..<texts.count)
        }
        var places: [ArraySlice<UInt8>: Int] = [:]
        labels = digests.enumerated().map { place, digest in
            places[digest]
                ?? {
                    places[digest] = place
                    return place
                }()
        }
        (self.texts, self.owners) = (texts, owners)
    }

    /// One pair as bytes: the image's digest, the number of tokens, the tokens.
    private static func message(_ digest: ContentDigest, _ tokens: [Int]) -> [UInt8] {
        Array(digest.hex.utf8)
            + ([tokens.count] + tokens).flatMap { number in
                (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            }
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int {
        defer { bytes = bytes.dropFirst(4) }
        return bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

/// The image encoder's states of a process's own pairs, and those of others that were asked for.
struct ImageStates {
    /// The pairs of this process.
    private let own: Range<Int>
    /// Their states `[b, S, E]`.
    private let ownStates: Tensor
    /// Where the others' stand in `otherStates`.
    private let places: [Int: Int]
    private let otherStates: Tensor?
    /// How many of them each process has given.
    private let given: [Int]
    /// Which of the own pairs, from 0, each process was given.
    private let taken: [[Int]]

    /// The states of `own`'s pairs, and of those in `wanted` that are other processes'.
    ///
    /// Only what is asked for is sent, once to each process, in the encoder's element type. Where the encoder `isTrained`, what
    /// the others gave collects gradients.
    init(
        _ states: Tensor, _ own: Range<Int>, wanted: [Int], _ pairs: StepPairs, _ group: any ProcessGroup,
        isTrained: Bool = false
    ) throws {
        (self.own, ownStates) = (own, states)
        guard group.count > 1 else {
            (places, otherStates, given, taken) = ([:], nil, [], [])
            return
        }
        let foreign = Set(wanted.filter { !own.contains($0) }).sorted()
        let asked = try group.gathered(foreign.flatMap { number in (0..<4).map { UInt8(number >> (8 * $0) & 255) } })
        let taken = asked.map { bytes in
            let numbers = stride(from: 0, to: bytes.count, by: 4).map { start in
                (0..<4).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
            }
            return numbers.filter { own.contains($0) }.map { $0 - own.lowerBound }
        }
        // Owners stand in the order of their pairs, and each sends in the order of the list.
        let others = try concatenated(group.exchanged(taken.map { try states.rows($0) }), dimension: 0)
        otherStates = try isTrained ? others.parameter() : others
        self.taken = taken
        given = pairs.owners.map { owner in foreign.count { owner.contains($0) } }
        places = Dictionary(uniqueKeysWithValues: foreign.enumerated().map { ($1, $0) })
    }

    /// For each process that took states from here: of which of the own pairs, from 0, and the gradients of these.
    func gradient(_ group: any ProcessGroup) throws -> [(places: [Int], gradient: Tensor)] {
        guard let otherStates else { return [] }
        let gradient = try otherStates.gradient()
        var start = 0
        let parts = try given.map { count in
            defer { start += count }
            return try gradient.rows(Array(start..<start + count))
        }
        return zip(taken, try group.exchanged(parts)).map { ($0, $1) }
    }

    /// The states of the pairs `numbers`, `[n, S, E]`; nil of none.
    func callAsFunction(_ numbers: [Int]) throws -> Tensor? {
        guard !numbers.isEmpty else { return nil }
        let all = try otherStates.map { try concatenated([ownStates, $0], dimension: 0) } ?? ownStates
        return try all.rows(
            numbers.map { number in
                guard !own.contains(number) else { return number - own.lowerBound }
                guard let place = places[number] else { preconditionFailure("pair \(number) was not asked for") }
                return own.count + place
            })
    }
}

extension Tensor {
    /// The rows `places` of the first dimension, in that order.
    func rows(_ places: [Int]) throws -> Tensor {
        try selecting(0, Tensor(places, shape: [places.count]).to(.int64, on: device))
    }
}
