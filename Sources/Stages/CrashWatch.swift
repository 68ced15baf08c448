package import Samples

/// Is told on which row a worker works, and knows the rows on which workers crashed before.
package protocol CrashWatch: Sendable {
    /// The signal that ended a worker when it was at the row `id`; nil where none did.
    func crash(of id: SampleID) -> Int?
    /// Runs `body`, which does not suspend, as the work on the row `id`.
    func working<Value>(on id: SampleID, _ body: () -> Value) -> Value
}

/// Watches nothing.
package struct NoCrashWatch: CrashWatch {
    package init() {}
    package func crash(of id: SampleID) -> Int? { nil }
    package func working<Value>(on id: SampleID, _ body: () -> Value) -> Value { body() }
}
