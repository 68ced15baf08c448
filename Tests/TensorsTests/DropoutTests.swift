import Tensors
import Testing

@Suite("Dropout by keys") struct DropoutTests {
    private func keys(_ values: [Int]) throws -> Tensor { try Tensor(values, shape: [values.count]) }

    @Test("drops with the rate's frequency and keeps the mean", arguments: [0.1, 0.5, 0.9])
    func rate(rate: Double) throws {
        let x = try Tensor([Float](repeating: 1, count: 20_000), shape: [20, 1000])
        let made = try x.dropping(rate, keys: keys(Array(1...20)), place: 3).floats()
        let kept = made.filter { $0 != 0 }
        #expect(kept.allSatisfy { abs($0 - Float(1 / (1 - rate))) < 1e-5 })
        // Five standard deviations.
        let deviation = (rate * (1 - rate) / 20_000).squareRoot()
        #expect(abs(Double(made.count - kept.count) / 20_000 - rate) < 5 * deviation)
    }

    @Test("follows from key, place and element alone, and other places drop others")
    func keysDecide() throws {
        let x = try Tensor((0..<21).map { Float($0 + 1) }, shape: [3, 7])
        let all = try x.dropping(0.5, keys: keys([5, -9, 5]), place: 2)
        for row in 0..<3 {
            let own = try x.narrowed(0, row..<row + 1)
            let alone = try own.dropping(0.5, keys: keys([[5, -9, 5][row]]), place: 2)
            #expect(try alone.bytes() == all.narrowed(0, row..<row + 1).bytes())
            // A longer row begins with the same.
            let longer = try concatenated([own, own], dimension: 1).dropping(
                0.5, keys: keys([[5, -9, 5][row]]), place: 2)
            #expect(try longer.narrowed(1, 0..<7).contiguous().bytes() == alone.bytes())
        }
        let ones = try Tensor([Float](repeating: 1, count: 64), shape: [1, 64])
        let masks = try (0..<4).map { try ones.dropping(0.5, keys: keys([1]), place: $0).floats() }
        #expect(Set(masks).count == 4)
    }

    @Test("drops the same by the library's operations, as on devices without the kernel", arguments: [0.1, 0.75])
    func devices(rate: Double) throws {
        for count in [1, 2, 7, 64] {
            let x = try Tensor((0..<4 * count).map { Float($0 + 1) }, shape: [4, count])
            let keys = try keys([1, -5, Int.max, Int.min])
            for place in [0, 3, 200] {
                let made = try x.dropping(rate, keys: keys, place: place)
                let plain = try x.dropping(rate, keys: keys, place: place, byKernel: false)
                #expect(try made.bytes() == plain.bytes(), "\(count) elements, place \(place)")
            }
        }
    }

    @Test("gradients pass where elements were kept, scaled alike")
    func gradients() throws {
        let x = try Tensor((0..<100).map { Float($0) }, shape: [2, 50]).parameter()
        let factors = try Tensor([Float](repeating: 1, count: 100), shape: [2, 50])
            .dropping(0.3, keys: keys([1, 2]), place: 0).floats()
        try (x.dropping(0.3, keys: keys([1, 2]), place: 0).mean() * 100).backward()
        #expect(try x.gradient().floats() == factors)
    }

    @Test("rates outside 0..<1 and keys that do not fit are refused")
    func refusals() throws {
        let x = try Tensor([Float(1), 2], shape: [2, 1])
        #expect(throws: TorchError.self) { try x.dropping(1, keys: keys([1, 2]), place: 0) }
        #expect(throws: TorchError.self) { try x.dropping(0.5, keys: keys([1]), place: 0) }
    }
}
