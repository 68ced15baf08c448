import RandomNumbers
package import Tensors

/// A parameter `name` of random numbers that keep states of about the same size in every layer, bfloat16, to be written.
///
/// Matrices are uniform around 0, norms are 1, other vectors 0. The name alone decides the numbers.
package func randomTensor(_ name: String, _ shape: [Int]) -> PendingTensor {
    PendingTensor(name: name, dtype: .bfloat16, shape: shape) {
        let inputs = shape.dropFirst().reduce(1, *)
        let isScale = name.contains("norm") && name.hasSuffix(".weight") && shape.count == 1
        // The deviation of uniform numbers is 0.58 times their bound.
        let bound = shape.count > 1 ? 1.73 / Float(max(inputs, 1)).squareRoot() : 0
        let key = nameHash(name)
        let values = (0..<shape.reduce(1, *)).map { place in
            isScale ? 1 : bound * Float(2 * SplitMix64.number(place, from: key).unitInterval - 1)
        }
        return try Tensor(values, shape: shape).to(.bfloat16).bytes()
    }
}
