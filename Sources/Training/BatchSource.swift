package import Loading

/// Where the batches of a run come from: shards of images with captions, or texts.
///
/// What is in a batch depends on the source, its batch size and the step alone, so a run can go on at any step.
package protocol BatchSource: Sendable {
    /// The same batches as the process `process` has them, its part of each, their texts as `tokenize` reads them.
    func part(of process: ProcessRank, tokenize: @escaping @Sendable (String) -> [Int]) -> Self

    /// Calls `body` with a function that gives the batches of the steps behind `completedSteps`, in order, without end.
    func withBatches<Value>(
        after completedSteps: Int, isolation: isolated (any Actor)?,
        _ body: (_ next: () async throws -> TrainingBatch) async throws -> Value
    ) async throws -> Value
}

extension BatchLoader: BatchSource {
    package func part(
        of process: ProcessRank, tokenize: @escaping @Sendable (String) -> [Int]
    ) -> BatchLoader {
        var part = self
        (part.process, part.tokenize) = (process, tokenize)
        return part
    }
}
