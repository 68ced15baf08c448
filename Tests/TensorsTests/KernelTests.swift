import RandomNumbers
import Tensors
import TestSupport
import Testing

/// Our own kernels beside the library's operators.
///
/// On a processor without their instructions there is nothing to test.
@Suite("Kernels of our own")
struct KernelTests {
    static let runs = Precision.int8.obstacle(on: .cpu) == nil

    @Test("int8 is refused, with a reason, where it cannot run; every other precision runs everywhere")
    func obstacles() {
        #expect(Precision.int8.obstacle(on: .cuda(0))?.contains("cuda:0") == true)
        for precision in Precision.allCases where precision != .int8 {
            #expect(precision.obstacle(on: .cpu) == nil && precision.obstacle(on: .cuda(0)) == nil)
        }
    }

    private func random(_ shape: [Int], _ seed: UInt64, scale: Float = 1) throws -> Tensor {
        var generator = SplitMix64(seed: seed)
        let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -2...2, using: &generator) * scale }
        return try Tensor(values, shape: shape).to(.bfloat16)
    }

    /// The library's attention in float32 of the fused `[B, T, 3HD]`.
    private func expected(_ qkv: Tensor, heads: Int, causal: Bool) throws -> [Float] {
        let (shape, width) = (qkv.shape, qkv.shape[2] / (3 * heads))
        let split = try qkv.to(.float32).reshaped([shape[0], shape[1], 3, heads, width]).permuted([2, 0, 3, 1, 4])
        let parts = try (0..<3).map {
            try split.narrowed(0, $0..<$0 + 1).reshaped([shape[0], heads, shape[1], width])
        }
        return try attention(parts[0], parts[1], parts[2], causal: causal).permuted([0, 2, 1, 3])
            .reshaped([shape[0], shape[1], heads * width]).floats()
    }

    @Test(
        "self-attention equals the library's in float32 within bfloat16's rounding", .enabled(if: runs),
        arguments: [1, 2, 5, 6, 7, 15, 16, 17, 31, 33, 63, 64, 65, 257, 577])
    func selfAttention(tokens: Int) throws {
        for (seed, causal) in [(UInt64(1), false), (2, true)] {
            let qkv = try random([2, tokens, 3 * 2 * 64], seed)
            let made = try fusedSelfAttention(qkv, heads: 2, queries: tokens, causal: causal).floats()
            let wanted = try expected(qkv, heads: 2, causal: causal)
            // Weights and result are rounded to 8 bits each; values are up to 2.
            #expect(closeness(made, wanted, relative: 1 / 128, absolute: 1 / 128) <= 1, "causal: \(causal)")
        }
    }

    @Test(
        "heads of other widths, the 88 of ViT-g among them, and the elements of neighbours stay theirs",
        .enabled(if: runs), arguments: [8, 24, 32, 40, 72, 88, 96, 104, 128, 200, 256])
    func headWidths(width: Int) throws {
        for (tokens, causal) in [(1, false), (15, true), (70, false), (257, false)] {
            let qkv = try random([2, tokens, 3 * 3 * width], UInt64(width + tokens))
            let made = try fusedSelfAttention(qkv, heads: 3, queries: tokens, causal: causal).floats()
            let wanted = try expected(qkv, heads: 3, causal: causal)
            #expect(closeness(made, wanted, relative: 1 / 128, absolute: 1 / 128) <= 1, "\(tokens) tokens")
        }
        let (kv, q) = (try random([1, 41, 2 * width], 8), try random([2, 3, width], 9))
        let made = try PackedKeysValues(kv, heads: 1).attended(by: q, rows: [2])
        let own = try kv.to(.float32).reshaped([1, 1, 41, 2 * width])
        let wanted = try attention(
            q.to(.float32).reshaped([1, 1, 6, width]), own.narrowed(3, 0..<width), own.narrowed(3, width..<2 * width))
        #expect(closeness(try made.floats(), try wanted.floats(), relative: 1 / 128, absolute: 1 / 128) <= 1)
    }

    @Test("heads of widths that no kernel serves are refused", .enabled(if: runs))
    func otherWidths() throws {
        let qkv = try random([1, 4, 3 * 12], 1)
        #expect(!qkv.hasAttentionKernel(headWidth: 12) && !qkv.hasAttentionKernel(headWidth: 264))
        #expect(throws: TorchError.self) { try fusedSelfAttention(qkv, heads: 1, queries: 4, causal: false) }
    }

    @Test("an image alone gives the same bits as in a batch, and so do the first tokens' rows", .enabled(if: runs))
    func batches() throws {
        let qkv = try random([3, 37, 3 * 64], 3)
        let together = try fusedSelfAttention(qkv, heads: 1, queries: 37, causal: false)
        for image in 0..<3 {
            let own = try qkv.narrowed(0, image..<image + 1)
            let alone = try fusedSelfAttention(own, heads: 1, queries: 37, causal: false)
            #expect(try alone.bytes() == together.narrowed(0, image..<image + 1).bytes())
            let first = try fusedSelfAttention(own, heads: 1, queries: 1, causal: false)
            #expect(try first.bytes() == alone.narrowed(1, 0..<1).bytes())
        }
    }

    @Test("logits of thousands leave one weight, and a NaN is not lost", .enabled(if: runs))
    func extremes() throws {
        let large = try random([1, 50, 3 * 64], 4, scale: 100)
        let made = try fusedSelfAttention(large, heads: 1, queries: 50, causal: true).floats()
        #expect(made.allSatisfy { $0.isFinite })
        let wanted = try expected(large, heads: 1, causal: true)
        #expect(closeness(made, wanted, relative: 1 / 64, absolute: 1) <= 1)
        let zeros = try random([1, 20, 3 * 64], 5, scale: 0)
        let nothing = try fusedSelfAttention(zeros, heads: 1, queries: 20, causal: false).floats()
        #expect(nothing.allSatisfy { $0 == 0 })
        let spoilt = try concatenated(
            [random([1, 19, 3 * 64], 6), random([1, 1, 3 * 64], 7, scale: .nan)], dimension: 1)
        let lost = try fusedSelfAttention(spoilt, heads: 1, queries: 20, causal: false).floats()
        #expect(lost.allSatisfy { $0.isNaN })
    }

    @Test("captions' rows attend to their own image, whatever their number", .enabled(if: runs))
    func crossAttention() throws {
        let (kv, q) = (try random([3, 41, 2 * 64], 8), try random([7, 2, 64], 9))
        let packed = try PackedKeysValues(kv, heads: 1)
        let rows = [3, 0, 4]
        let made = try packed.attended(by: q, rows: rows)
        for (row, image) in [0, 0, 0, 2, 2, 2, 2].enumerated() {
            let own = try kv.narrowed(0, image..<image + 1).to(.float32).reshaped([1, 1, 41, 128])
            let query = try q.narrowed(0, row..<row + 1)
            let wanted = try attention(
                query.to(.float32).reshaped([1, 1, 2, 64]), own.narrowed(3, 0..<64), own.narrowed(3, 64..<128))
            let found = try made.narrowed(0, row..<row + 1)
            #expect(closeness(try found.floats(), try wanted.floats(), relative: 1 / 128, absolute: 1 / 128) <= 1)
            let alone = try packed.attended(by: query, rows: [0, 1, 2].map { $0 == image ? 1 : 0 })
            #expect(try alone.bytes() == found.bytes(), "row \(row)")
        }
        #expect(throws: TorchError.self) { try packed.attended(by: q, rows: [3, 0, 3]) }
        #expect(throws: TorchError.self) { try packed.attended(by: q, rows: [4, 0, 4]) }
    }

    @Test("steps over a cache are the rows of causal attention", .enabled(if: runs))
    func steps() throws {
        let qkv = try random([3, 21, 3 * 128], 10)
        let whole = try expected(qkv, heads: 2, causal: true)
        let shape = [3, 2, 21, 64]
        let (keys, values) = (try random(shape, 11), try random(shape, 12))
        for place in 0..<21 {
            let step = try qkv.narrowed(1, place..<place + 1)
            let made = try stepAttention(step, keys: keys, values: values, place: place).floats()
            let starts = [place, 21 + place, 42 + place].map { $0 * 128 }
            let wanted: [Float] = starts.flatMap { Array(whole[$0..<$0 + 128]) }
            #expect(closeness(made, wanted, relative: 1 / 128, absolute: 1 / 128) <= 1, "place \(place)")
        }
        #expect(throws: TorchError.self) {
            try stepAttention(qkv.narrowed(1, 0..<1), keys: keys, values: values, place: 21)
        }
    }

    @Test(
        "integer linear layers are near exact ones, in any number of rows and outputs", .enabled(if: runs),
        arguments: [(1, 16, 64), (5, 48, 70), (6, 32, 128), (23, 160, 33)])
    func int8(rows: Int, inputs: Int, outputs: Int) throws {
        let (x, weight) = (try random([1, rows, inputs], 13), try random([outputs, inputs], 14))
        let (bias, residual) = (try random([outputs], 15), try random([1, rows, outputs], 16))
        let packed = try #require(try PackedWeight(int8: weight))
        let plain = try linear(x.to(.float32), weight: weight.to(.float32), bias: bias.to(.float32))
        // Each product is off by half a step of 1/127 and of 4/255 at most, and half of that on average.
        let tolerance = Float(inputs).squareRoot() * 4 * (0.5 / 127 + 0.5 * 2 / 255)
        func check(_ made: Tensor, _ wanted: Tensor, _ what: String) throws {
            let wanted = try wanted.floats()
            #expect(closeness(try made.floats(), wanted, relative: 1 / 128, absolute: tolerance) <= 1, "\(what)")
        }
        try check(packed(x, bias: bias), plain, "bias")
        try check(packed(x, bias: bias, .gelu), Activation.gelu(plain), "gelu")
        try check(packed(x, bias: bias, .quickGELU), Activation.quickGELU(plain), "quick gelu")
        try check(packed(x, bias: bias, adding: residual), plain + residual.to(.float32), "residual")
        try check(packed(x, bias: nil), linear(x.to(.float32), weight: weight.to(.float32), bias: nil), "no bias")
        let all = try packed(x, bias: bias)
        for row in 0..<rows {
            let alone = try packed(x.narrowed(1, row..<row + 1), bias: bias)
            #expect(try alone.bytes() == all.narrowed(1, row..<row + 1).bytes(), "row \(row)")
        }
    }

    @Test("numbers that integers hold exactly are multiplied exactly; GELU is within 2e-4", .enabled(if: runs))
    func int8Exact() throws {
        let x = try Tensor((0..<256).map { Float($0 - 100) }, shape: [1, 256, 1])
        let padded = try concatenated([x.to(.bfloat16), random([1, 256, 15], 17, scale: 0)], dimension: 2)
        let weight = try Tensor([1] + [Float](repeating: 0, count: 15), shape: [1, 16]).to(.bfloat16)
        let packed = try #require(try PackedWeight(int8: weight))
        let made = try packed(padded, bias: nil).floats()
        #expect(made == (0..<256).map { Float($0 - 100) })
        let sixteenths = try padded.to(.float32) * (1.0 / 16)
        let gelu = try packed(sixteenths.to(.bfloat16), bias: nil, .gelu).floats()
        let wanted = try Activation.gelu(sixteenths.narrowed(2, 0..<1)).floats()
        #expect(closeness(gelu, wanted, relative: 1 / 256, absolute: 3e-4) <= 1)
    }
}
