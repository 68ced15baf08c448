import Foundation
import TestSupport
import Testing

@testable import Coordination

/// Whatever happens: never two holders, never a lost unit, every unit published once.
@Suite struct LeaseHistoryTests {
    /// How many histories are tried; `HISTORIES` in the environment asks for more.
    private static let factor = ProcessInfo.processInfo.environment["HISTORIES"].flatMap { Int($0) } ?? 1

    @Test("in memory, many histories")
    func memory() async throws {
        try await tryAll(2000) { seed in
            let clock = ManualClock()
            var world = try LeaseWorld(MemoryJobStore(clock: clock), clock, units: [4, 2], seed: seed)
            try world.run(steps: 100)
            await Task.yield()
        }
    }

    @Test("of the coordinators themselves: killed between transactions, stopped, with stores and disks that fail")
    func coordinators() async throws {
        try await tryAll(1000) { seed in
            var world = try CoordinatorWorld(units: [4, 2], seed: seed)
            try await world.run(steps: 80)
        }
    }

    /// Runs `body` with so many seeds, times `factor`, in four tasks.
    private func tryAll(_ count: Int, _ body: @escaping @Sendable (_ seed: UInt64) async throws -> Void) async throws {
        let seeds = UInt64(count * Self.factor)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 as Range<UInt64> {
                group.addTask { for seed in stride(from: part, to: seeds, by: 4) { try await body(seed) } }
            }
            for try await _ in group {}
        }
    }

    @Test("on a server, fewer", .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
    func server() async throws {
        for seed in 0..<UInt64(10 * Self.factor) {
            let clock = ManualClock()
            let store = try SQLJobStore(someServerDatabase(schema: "coordination"), build: .random(), clock: clock)
            var world = try LeaseWorld(store, clock, units: [4, 2], seed: seed)
            try world.run(steps: 100)
            try store.checkSums()
            await Task.yield()
        }
    }

    @Test("in a file, fewer")
    func file() async throws {
        try await withTemporaryFolder { folder in
            for seed in 0..<UInt64(20 * Self.factor) {
                let clock = ManualClock()
                let store = try someFileStore(in: "\(folder)/\(seed)", clock: clock)
                var world = try LeaseWorld(store, clock, units: [4, 2], seed: seed)
                try world.run(steps: 100)
                try store.checkSums()
                await Task.yield()
            }
        }
    }
}
