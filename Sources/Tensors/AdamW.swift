import CTorch

/// AdamW: Adam with weight decay taken from the parameters themselves, not from the gradients.
///
/// Source: Loshchilov and Hutter 2019; PyTorch `torch/optim/adamw.py`, by its fused operator. Memory: two float32
/// numbers a parameter.
package struct AdamW {
    /// The constants of the rule.
    package struct Options: Sendable, Equatable, Codable {
        package var beta1: Double
        package var beta2: Double
        package var epsilon: Double

        package init(beta1: Double = 0.9, beta2: Double = 0.98, epsilon: Double = 1e-8) {
            (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
        }
    }

    /// Parameters that are treated alike.
    package struct Group {
        package let parameters: [Tensor]
        /// The share of a parameter that a step with learning rate 1 takes away.
        package let decay: Double
        /// What the learning rate is multiplied by.
        package let rateFactor: Double

        package init(_ parameters: [Tensor], decay: Double, rateFactor: Double = 1) {
            (self.parameters, self.decay, self.rateFactor) = (parameters, decay, rateFactor)
        }
    }

    package let options: Options
    package let groups: [Group]
    /// The running mean of each parameter's gradients, and of their squares, group by group in the order of parameters.
    package let means: [Tensor]
    package let squares: [Tensor]

    /// An optimizer of `groups` that has seen nothing; no parameter is in two of them.
    package init(_ groups: [Group], _ options: Options = Options()) throws(TorchError) {
        var zeros: [[Tensor]] = [[], []]
        for parameter in groups.flatMap(\.parameters) {
            for state in zeros.indices {
                let zero = try Tensor.empty(parameter.shape, .float32, on: parameter.device)
                try zero.fill(0)
                zeros[state].append(zero)
            }
        }
        (self.groups, self.options) = (groups, options)
        (means, squares) = (zeros[0], zeros[1])
    }

    /// Step number `step`, from 1, with learning rate `rate`; a parameter without a gradient stays as it is.
    package func callAsFunction(step: Int, rate: Double) throws(TorchError) {
        var first = 0
        for group in groups {
            let places = first..<first + group.parameters.count
            first = places.upperBound
            let parameters: [ct_tensor_t?] = group.parameters.map(\.handle)
            let means: [ct_tensor_t?] = means[places].map(\.handle)
            let squares: [ct_tensor_t?] = squares[places].map(\.handle)
            try withExtendedLifetime(self) { () throws(TorchError) in
                try perform("adamw") {
                    ct_adamw(
                        parameters, means, squares, Int32(places.count), Int64(step), rate * group.rateFactor,
                        options.beta1, options.beta2, options.epsilon, group.decay)
                }
            }
        }
    }
}
