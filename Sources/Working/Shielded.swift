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

/// Runs `body` to its end, whether or not the surrounding task is cancelled meanwhile.
func shielded<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await Task { try await body() }.value
}
