package import Layers
import Tensors

/// Parameters that the optimizer treats alike.
package struct ParameterGroup: Sendable, Equatable {
    package let names: [String]
    /// The share of a parameter that a step with learning rate 1 takes away.
    package let decay: Double
    /// What the learning rate is multiplied by.
    package let rateFactor: Double

    package init(_ names: [String], decay: Double, rateFactor: Double = 1) {
        (self.names, self.decay, self.rateFactor) = (names, decay, rateFactor)
    }
}

extension Parameters {
    /// Two groups: those that `decays` is true for, which do so by `decay`, and the others; by default matrices decay, and
    /// parameters of one dimension or none do not.
    package func groups(
        decay: Double, _ decays: (_ name: String, _ shape: [Int]) -> Bool = { $1.count > 1 }
    ) -> [ParameterGroup] {
        var (yes, no): ([String], [String]) = ([], [])
        for (name, tensor) in zip(names, tensors) {
            if decays(name, tensor.shape) { yes.append(name) } else { no.append(name) }
        }
        return [ParameterGroup(yes, decay: decay), ParameterGroup(no, decay: 0)].filter { !$0.names.isEmpty }
    }
}

extension AdamW {
    /// An optimizer of `parameters` in `groups`, which together name each of them once.
    init(_ parameters: Parameters, _ groups: [ParameterGroup], _ options: Options) throws(TorchError) {
        precondition(groups.flatMap(\.names).sorted() == parameters.names, "each parameter is in one group")
        try self.init(
            groups.map { group in
                Group(group.names.compactMap { parameters[$0] }, decay: group.decay, rateFactor: group.rateFactor)
            }, options)
    }
}
