import CTorch

/// AdamW: Adam with weight decay taken from the parameters themselves, not from the gradients.
///
/// Source: Loshchilov and Hutter 2019; PyTorch `torch/optim/adamw.py`, by its fused operator. Memory: two float32
/// numbers a parameter.
package struct AdamW {
    /// The constants of the rule.
    package struct Options: Sendable, Equatable {
        package var beta1: Double
        package var beta2: Double
        package var epsilon: Double
        /// The share of a matrix that a step with learning rate 1 would take away.
        package var weightDecay: Double

        package init(beta1: Double = 0.9, beta2: Double = 0.98, epsilon: Double = 1e-8, weightDecay: Double = 0.05) {
            (self.beta1, self.beta2, self.epsilon, self.weightDecay) = (beta1, beta2, epsilon, weightDecay)
        }
    }

    package let options: Options
    /// The running mean of each parameter's gradients, and of their squares, in the order of the parameters.
    package let means: [Tensor]
    package let squares: [Tensor]

    private let parameters: [Tensor]

    /// An optimizer of `parameters`; `means` and `squares` go on from an earlier one.
    package init(_ parameters: [Tensor], _ options: Options, means: [Tensor], squares: [Tensor]) {
        precondition(parameters.count == means.count && means.count == squares.count, "one state a parameter")
        self.options = options
        self.parameters = parameters
        (self.means, self.squares) = (means, squares)
    }

    /// An optimizer of `parameters` that has seen nothing.
    package init(_ parameters: [Tensor], _ options: Options) throws(TorchError) {
        var zeros: [[Tensor]] = [[], []]
        for parameter in parameters {
            for state in zeros.indices {
                let zero = try Tensor.empty(parameter.shape, .float32, on: parameter.device)
                try zero.fill(0)
                zeros[state].append(zero)
            }
        }
        self.init(parameters, options, means: zeros[0], squares: zeros[1])
    }

    /// Step number `step`, from 1, with learning rate `rate`; parameters of one dimension or none do not decay.
    package func callAsFunction(step: Int, rate: Double) throws(TorchError) {
        let isMatrix = parameters.map { $0.shape.count > 1 }
        for (decays, decay) in [(true, options.weightDecay), (false, 0)] {
            let chosen = parameters.indices.filter { isMatrix[$0] == decays }
            func handles(_ tensors: [Tensor]) -> [ct_tensor_t?] { chosen.map { tensors[$0].handle } }
            try withExtendedLifetime(self) { () throws(TorchError) in
                try perform("adamw") {
                    ct_adamw(
                        handles(parameters), handles(means), handles(squares), Int32(chosen.count), Int64(step), rate,
                        options.beta1, options.beta2, options.epsilon, decay)
                }
            }
        }
    }
}
