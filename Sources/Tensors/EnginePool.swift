/// A fixed number of engines on one device; a call takes a free one, or waits its turn for one.
///
/// Each engine computes with one thread, and work is spread by the image: so no result depends on the number of
/// threads, and throughput grows with the engines.
package actor EnginePool {
    /// Where the engines compute.
    package nonisolated let device: Device
    /// How many calls run at the same time.
    package nonisolated let engineCount: Int

    private var free: [TorchEngine]
    private var waiting: [CheckedContinuation<TorchEngine, Never>] = []

    /// `engineCount` engines that compute on `device`.
    package init(device: Device = .cpu, engineCount: Int = 1) {
        precondition(engineCount > 0, "a pool has at least one engine")
        self.device = device
        self.engineCount = engineCount
        free = (0..<engineCount).map { _ in TorchEngine(device: device) }
    }

    /// Runs `body` on the first engine that is free, callers in turn.
    ///
    /// Throws `CancellationError` when the task was cancelled before `body` began; what began runs to its end.
    package func run<Value: Sendable>(_ body: @Sendable () throws -> Value) async throws -> Value {
        let engine = await take()
        defer { put(back: engine) }
        try Task.checkCancellation()
        return try await engine.run(body)
    }

    private func take() async -> TorchEngine {
        if let engine = free.popLast() { return engine }
        return await withCheckedContinuation { waiting.append($0) }
    }

    private func put(back engine: TorchEngine) {
        if waiting.isEmpty {
            free.append(engine)
        } else {
            waiting.removeFirst().resume(returning: engine)
        }
    }
}
