package import BLIP2Models
package import LanguageModels

/// The arithmetic of a step of phase 2, part by part: matrix products and attention, two operations a multiplication and
/// addition, of the forward passes.
///
/// Attention's scores in the language model are left out: they are under two per cent of its matrix products at these lengths.
package struct PhaseTwoArithmetic {
    package let encoder: Double
    package let queries: Double
    package let language: Double

    /// The arithmetic for the texts `given` and `asked`, in tokens: of a decoder those in front of the asked ones, and those.
    package init(
        _ vision: BLIP2Configuration, _ language: LanguageModelConfiguration, given: [Int], asked: [Int]
    ) {
        let texts = given.map { [Int](repeating: 0, count: $0) }
        let phaseOne = PhaseOneArithmetic(vision, texts: texts, negativeTexts: [])
        (encoder, queries) = (phaseOne.encoder, phaseOne.looking)
        let read = given.reduce(0) { $0 + $1 + vision.qformer.queries }
        let (written, rows) = (asked.reduce(0, +), given.count)
        let count: Int
        switch language {
        case .opt(let opt):
            let layer = 4 * opt.width * opt.width + 2 * opt.width * opt.innerWidth
            // The last token is asked for, and read by nobody.
            count = opt.layers * layer * (read + written - rows) + opt.width * opt.vocabulary * written
        case .t5(let t5):
            let attention = 4 * t5.width * t5.heads * t5.headWidth
            let feedForward = (t5.isGated ? 3 : 2) * t5.width * t5.innerWidth
            let decoder = attention + attention / 2 + feedForward
            count =
                t5.encoderLayers * (attention + feedForward) * read
                + t5.decoderLayers * (decoder * written + attention / 2 * read) + t5.width * t5.vocabulary * written
        }
        self.language = 2 * Double(count)
    }

    /// Of a whole step: the encoder goes forward only, and of the frozen language model nothing is trained, so that its
    /// backward pass has as many operations as its forward pass.
    package var step: Double { encoder + 3 * queries + 2 * language }
}
