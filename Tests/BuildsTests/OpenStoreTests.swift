import Coordination
import Foundation
import Storage
import TestSupport
import Testing

@testable import Builds

@Suite("The job store of an output") struct OpenStoreTests {
    @Test(
        "is the same build for all coordinators that are started at once",
        .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
    func atOnce() async throws {
        let output = OutputDirectory(try Project.temporaryFolder("at-once"))
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try output.create()
        let url = try PostgresServer.shared.get().url
        let ids = try await withThrowingTaskGroup { group in
            for _ in 0..<16 { group.addTask { try openStore(output, url).id.text } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(output.hasServer)
    }
}
