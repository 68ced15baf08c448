package import Layers
import RandomNumbers

/// Dropout of a step of phase 1: each sample drops what the step's context and its number in the global batch say, in each
/// of the passes something else.
package struct StepDropout: Sendable {
    private let rates: DropoutRates
    private let context: StepContext

    package init(_ configuration: QFormerConfiguration, _ context: StepContext) {
        rates = DropoutRates(hidden: configuration.hiddenDropout, attention: configuration.attentionDropout)
        self.context = context
    }

    /// Of queries that look at images.
    package var images: Dropout { Dropout(rates, rowKeys: context.keys("dropout: images")) }
    /// Of texts that are read without an image.
    package var texts: Dropout { Dropout(rates, rowKeys: context.keys("dropout: texts")) }
    /// Of texts that are generated.
    package var generation: Dropout { Dropout(rates, rowKeys: context.keys("dropout: generation")) }
    /// Of the three rows of each pair in matching.
    package var matching: Dropout {
        let keys = context.keys("dropout: matching")
        return Dropout(
            rates, rowKeys: matchingOrder(keys.count).map { SplitMix64.number($0.row, from: keys[$0.pair]) })
    }
}
