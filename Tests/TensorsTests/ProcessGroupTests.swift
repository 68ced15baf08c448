import Foundation
import Locks
import Tensors
import TestSupport
import Testing

@Suite("Groups of processes") struct ProcessGroupTests {
    static let counts = [1, 2, 3, 4]

    @Test(
        "sums are the same bits in all processes, short and long, added in the order of the processes",
        arguments: counts)
    func sums(count: Int) throws {
        for length in [0, 1, 7, 1000, 100_003] {
            let own: @Sendable (Int) -> [Float] = { index in
                (0..<length).map { Float($0 % 97 - 40) / Float(3 + index) + Float(index) * 1e-3 }
            }
            let sums = try GroupMembers.run(count) { group in
                let values = try Tensor(own(group.index), shape: [length])
                let numbers = try Tensor([group.index + 1, 10], shape: [2])
                try group.sum([values, numbers])
                return (floats: try values.floats(), integers: try numbers.integers())
            }
            var expected = own(0)
            for index in 1..<max(count, 1) where count > 1 {
                for (place, value) in own(index).enumerated() { expected[place] += value }
            }
            for sum in sums {
                #expect(sum.floats == expected, "\(length) elements")
                #expect(sum.integers == [count * (count + 1) / 2, 10 * count])
            }
        }
    }

    @Test("gathers rows of unequal numbers, none among them, in every element type", arguments: counts)
    func gathers(count: Int) throws {
        let gathered = try GroupMembers.run(count) { group in
            let rows = group.index == 1 ? 0 : group.index + 1
            let own = try Tensor((0..<rows * 3).map { Float(100 * group.index + $0) }, shape: [rows, 3])
            let all = try group.gathered(own)
            let half = try group.gathered(own.to(.bfloat16))
            return (shape: all.shape, values: try all.floats(), half: try half.floats())
        }
        let expected = (0..<count).flatMap { index in
            (0..<(index == 1 ? 0 : index + 1) * 3).map { Float(100 * index + $0) }
        }
        for part in gathered {
            #expect(part.shape == [expected.count / 3, 3])
            #expect(part.values == expected)
            #expect(zip(part.half, expected).allSatisfy { abs($0 - $1) <= abs($1) / 128 })
        }
    }

    @Test("gathers bytes of unequal lengths", arguments: counts)
    func gathersBytes(count: Int) throws {
        let texts = ["", "two", "another process", "4"]
        let gathered = try GroupMembers.run(count) { try $0.gathered(Array(texts[$0.index].utf8)) }
        for all in gathered { #expect(all == texts.prefix(count).map { Array($0.utf8) }) }
    }

    @Test("exchanges parts of unequal numbers of rows", arguments: counts)
    func exchanges(count: Int) throws {
        // Process i sends (i + j) % 3 rows to process j, which say who sent them.
        let received = try GroupMembers.run(count) { group in
            let parts = try (0..<count).map { other in
                let rows = (group.index + other) % 3
                return try Tensor([Int](repeating: 10 * group.index + other, count: rows * 2), shape: [rows, 2])
            }
            return try group.exchanged(parts).map { try $0.contiguous().integers() }
        }
        for (index, parts) in received.enumerated() {
            for (other, part) in parts.enumerated() {
                #expect(part == [Int](repeating: 10 * other + index, count: (index + other) % 3 * 2))
            }
        }
    }

    @Test("all wait for the last one when they meet", arguments: counts)
    func meets(count: Int) throws {
        let arrived = Locked(0)
        let seen = try GroupMembers.run(count) { group in
            if group.index == count - 1 { Thread.sleep(forTimeInterval: 0.05) }
            arrived.withLock { $0 += 1 }
            try group.meet()
            return arrived.withLock { $0 }
        }
        #expect(seen.allSatisfy { $0 == count })
    }

    @Test("says of a process that does not answer that the group is lost")
    func silence() throws {
        let kinds = try GroupMembers.run(2) { group -> TorchError.Kind? in
            // The first goes on alone; the second leaves.
            guard group.index == 0 else { return nil }
            do {
                try group.meet()
                return nil
            } catch let error as TorchError {
                return error.kind
            }
        }
        #expect(kinds == [.groupLost, nil])
    }
}
