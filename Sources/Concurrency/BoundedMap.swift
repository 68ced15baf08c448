/// Runs `transform` on at most `limit` elements at once and hands results to `emit` in input order.
///
/// `limit` bounds everything held here, waiting results included, so a slow `emit` slows the input; `running` bounds the
/// transforms under way.
package func boundedMap<Element: Sendable, Output: Sendable>(
    _ next: () async throws -> Element?, limit: Int, running: Int = .max,
    transform: @escaping @Sendable (Element) async throws -> Output,
    emit: (Output) async throws -> Void
) async throws {
    precondition(limit > 0, "limit counts elements in flight")
    try await withThrowingTaskGroup(of: (Int, Output).self) { group in
        var ready: [Int: Output] = [:]
        var (started, emitted, exhausted) = (0, 0, false)
        while !exhausted || emitted < started {
            if let output = ready.removeValue(forKey: emitted) {
                try await emit(output)
                emitted += 1
            } else if !exhausted, started - emitted < limit, started - emitted - ready.count < running {
                guard let element = try await next() else {
                    exhausted = true
                    continue
                }
                group.addTask { [index = started] in (index, try await transform(element)) }
                started += 1
            } else if let (index, output) = try await group.next() {
                ready[index] = output
            }
        }
    }
}
