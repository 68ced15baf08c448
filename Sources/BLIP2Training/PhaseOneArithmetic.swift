package import BLIP2Models
import VisionLanguage

/// The arithmetic of a step of phase 1, part by part.
///
/// Operations of the forward passes, two a multiplication and addition, of matrix products and attention alone. A backward
/// pass has twice as many.
package struct PhaseOneArithmetic {
    private let configuration: BLIP2Configuration
    /// The tokens of each text.
    private let lengths: [Int]
    /// The tokens of each negative text.
    private let negatives: [Int]

    package init(_ configuration: BLIP2Configuration, texts: [[Int]], negativeTexts: [[Int]]) {
        self.configuration = configuration
        lengths = texts.map(\.count)
        negatives = negativeTexts.map(\.count)
    }

    private var images: Int { lengths.count }
    private var width: Int { configuration.qformer.width }
    private var queries: Int { configuration.qformer.queries }
    private var layers: Int { configuration.qformer.layers }
    private var seeing: Int { (0..<layers).count { configuration.qformer.hasCross($0) } }
    /// Of one position in a layer's own maps, attention aside.
    private var position: Int { 2 * (4 * width * width + 2 * width * configuration.qformer.innerWidth) }
    private var tokens: Int { configuration.encoder.vision.tokens }

    package var encoder: Double {
        let vision = configuration.encoder.vision
        let maps = 4 * vision.width * vision.width + 2 * vision.width * vision.innerWidth
        let attention = 4 * tokens * tokens * vision.width
        let block = tokens * 2 * maps + attention
        let patches = 2 * (tokens - 1) * 3 * vision.patchSide * vision.patchSide * vision.width
        return Double(images) * Double(vision.layers * block + patches)
    }

    /// The images' keys and values, and the queries that look at them.
    package var looking: Double {
        let keysValues = seeing * 2 * tokens * 2 * configuration.qformer.imageWidth * width
        let own = layers * (queries * position + attention(queries, to: queries))
        let projection = 2 * queries * width * configuration.jointWidth
        return Double(images) * Double(keysValues + own + cross + projection)
    }

    /// The queries of one row at one image, in all layers that see it.
    private var cross: Int { seeing * (2 * queries * 2 * width * width + attention(queries, to: tokens)) }

    private func attention(_ positions: Int, to others: Int) -> Int { 4 * positions * others * width }

    /// The maps behind attention, of a position.
    private var behindAttention: Int { 2 * width * (width + 2 * configuration.qformer.innerWidth) }

    /// The last layer asks for the first token alone.
    package var reading: Double {
        var sum = 0
        for length in lengths {
            sum += layers * (length * position + attention(length, to: length))
            sum -= (length - 1) * behindAttention
        }
        return Double(sum)
    }

    /// Each pair's three rows; the last layer asks for the queries alone.
    package var matching: Double {
        var sum = 0
        for length in lengths + negatives + lengths {
            let row = queries + length
            sum += layers * (row * position + attention(row, to: row)) + cross
            sum -= length * behindAttention
        }
        return Double(sum)
    }

    package var generation: Double {
        var sum = 0
        for length in lengths {
            let read = length - 1
            sum += layers * (read * position + attention(read, to: queries + read))
            sum += read * 2 * (width * width + width * configuration.qformer.vocabulary)
        }
        return Double(sum)
    }

    /// Of all similarities, in both directions.
    package var similarities: Double {
        Double(2 * 2 * images * images * queries * configuration.jointWidth)
    }

    /// Of a whole step: the encoder goes forward only.
    package var step: Double { encoder + 3 * (looking + reading + matching + generation + similarities) }
}
