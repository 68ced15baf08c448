import Tensors

extension EnginePool {
    /// The results of `body` for all `inputs`, in order, computed on as many engines as are free.
    ///
    /// On the processor `body` gets one input at a time: a result then cannot depend on its neighbours, not even in the
    /// last bit, and the engines share the work evenly. A CUDA device gets up to `size` at a time, in the order given.
    func map<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], by size: Int, _ body: @escaping @Sendable ([Input]) throws -> [Output]
    ) async throws -> [Output] {
        let starts = stride(from: 0, to: inputs.count, by: size)
        return try await withThrowingTaskGroup(of: (Int, [Output]).self) { group in
            for start in starts {
                let part = Array(inputs[start..<min(start + size, inputs.count)])
                group.addTask { (start, try await self.run { try body(part) }) }
            }
            var outputs: [Int: [Output]] = [:]
            for try await (start, part) in group { outputs[start] = part }
            return starts.flatMap { outputs[$0] ?? [] }
        }
    }
}
