package import Loading
import Training

/// Batches of the lines of text files.
///
/// A batch has the same lines however many processes there are; each reads past the others'.
package struct TextBatches: BatchSource {
    package let lines: TextLines
    /// How many lines a batch has, those of all processes together.
    package let batchSize: Int
    private var process = ProcessRank()
    private var tokenize: @Sendable (String) -> [Int] = { _ in [] }

    /// Batches of `batchSize` of `lines`.
    package init(_ lines: TextLines, batchSize: Int) {
        precondition(batchSize > 0, "a batch has at least one line")
        (self.lines, self.batchSize) = (lines, batchSize)
    }

    package func part(
        of process: ProcessRank, tokenize: @escaping @Sendable (String) -> [Int]
    ) -> TextBatches {
        var part = self
        (part.process, part.tokenize) = (process, tokenize)
        return part
    }

    package func withBatches<Value>(
        after completedSteps: Int, isolation: isolated (any Actor)?,
        _ body: (_ next: () async throws -> TrainingBatch) async throws -> Value
    ) async throws -> Value {
        let stream = lines.lines(from: completedSteps * batchSize)
        var step = completedSteps
        return try await body {
            step += 1
            return try batch(step, stream)
        }
    }

    private func batch(_ step: Int, _ stream: LineStream) throws(TextError) -> TrainingBatch {
        let numbers = process.numbers(in: batchSize)
        var texts: [String] = []
        for number in 0..<batchSize {
            let text = try stream.next()
            if numbers.contains(number) { texts.append(text) }
        }
        let first = (step - 1) * batchSize
        return TrainingBatch(
            step: step, numbers: numbers, keys: numbers.map { "line \(first + $0)" }, digests: [], pixels: [],
            captions: texts.map { [$0] }, tokens: texts.map { [tokenize($0)] }, damaged: [])
    }
}
