/// Runs `body` although the surrounding task was cancelled, for a last word to the coordinator.
///
/// It gets two seconds: the coordinator may be gone already, and learns of a worker's end in another way too.
func uncancelled(_ body: @escaping @Sendable () async throws -> Void) async {
    // What it could not say is found out.
    _ = try? await shielded {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { try await Task.sleep(for: .seconds(2)) }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// Runs `body` to its end; when the surrounding task is cancelled, `body` is after another `grace`.
func shielded<Value: Sendable>(
    grace: Duration = .seconds(20), _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let task = Task { try await body() }
    return try await withTaskCancellationHandler {
        try await task.value
    } onCancel: {
        Task {
            try await Task.sleep(for: grace)
            task.cancel()
        }
    }
}
