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
    /// Two groups for each factor of the learning rate, the highest first: those that `decays` is true for, which do so by
    /// `decay`, and the others; by default matrices decay, and parameters of one dimension or none do not.
    ///
    /// `rateFactor` says what the rate of a parameter is multiplied by.
    package func groups(
        decay: Double, rateFactor: (_ name: String) -> Double = { _ in 1 },
        _ decays: (_ name: String, _ shape: [Int]) -> Bool = { $1.count > 1 }
    ) -> [ParameterGroup] {
        var members: [Double: (yes: [String], no: [String])] = [:]
        for (name, tensor) in zip(names, tensors) {
            var group = members[rateFactor(name)] ?? ([], [])
            if decays(name, tensor.shape) { group.yes.append(name) } else { group.no.append(name) }
            members[rateFactor(name)] = group
        }
        return members.sorted { $0.key > $1.key }.flatMap { factor, group in
            [
                ParameterGroup(group.yes, decay: decay, rateFactor: factor),
                ParameterGroup(group.no, decay: 0, rateFactor: factor),
            ]
        }.filter { !$0.names.isEmpty }
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
