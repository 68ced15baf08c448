/// The processes that work on one computation, each of which calls the same methods in the same order.
///
/// A method that throws leaves the group of no use: the others wait for this process, or have met the same fault.
package protocol ProcessGroup: Sendable {
    /// Which of the processes this one is, from 0.
    var index: Int { get }
    /// How many there are.
    var count: Int { get }
    /// Makes `tensors` their sums over all processes, in place.
    func sum(_ tensors: [Tensor]) throws
    /// The tensors of all processes one behind the other along the first dimension, by the processes' index.
    ///
    /// Their first dimensions may differ. The result takes no part in gradients.
    func gathered(_ tensor: Tensor) throws -> Tensor
    /// The bytes of each process, by its index.
    func gathered(_ bytes: [UInt8]) throws -> [[UInt8]]
    /// What each process gave for this one, by the giver's index; `parts` has a tensor for each process, and may have
    /// other first dimensions for each. None takes part in gradients.
    func exchanged(_ parts: [Tensor]) throws -> [Tensor]
    /// Waits until all processes are here.
    func meet() throws
}

/// A group of one process.
package struct OneProcess: ProcessGroup {
    package let index = 0
    package let count = 1

    package init() {}

    package func sum(_ tensors: [Tensor]) {}
    package func gathered(_ tensor: Tensor) throws -> Tensor { try tensor.detached() }
    package func gathered(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    package func exchanged(_ parts: [Tensor]) throws -> [Tensor] { try parts.map { try $0.detached() } }
    package func meet() {}
}
