import Foundation
import TestSupport
import Testing

/// Two coordinators of one build, with its state on a PostgreSQL server.
@Suite(
    "A coordinator that stands by", .serialized,
    .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
struct StandbyTests {
    private static let allowed = "fetch: {allow_private_addresses: true, per_host: {rate: 20}}"

    /// A build of `count` rows under way: its first coordinator leads, its second stands by, and a worker works.
    private struct Scene {
        let site: Site
        let store: String
        let first: Program
        let second: Program
        let worker: Program

        init(count: Int, _ server: PostgresServer) throws {
            (site, store) = (try Site(count: count), server.url)
            let manifest = try site.manifest("m", captions: "original", unitRows: 3, extra: StandbyTests.allowed)
            try #require(site.build(manifest, to: "one").status == 0)
            let (output, store, folder) = (site.folder + "/out", store, site.folder)
            func coordinator() throws -> Program {
                try Program(
                    Project.executables + "/pipeline-coordinator",
                    ["--manifest", manifest, "--output", output, "--store", store])
            }
            first = try coordinator()
            let address = folder + "/out/.state/coordinator"
            let leader = first
            try #require(eventually { FileManager.default.fileExists(atPath: address) || !leader.isRunning })
            second = try coordinator()
            worker = try Program(
                Project.executables + "/pipeline-worker",
                ["--coordinator-file", address, "--name", "w0", "--device", "cpu"])
            let folderOfShards = folder + "/out/shards"
            let isBegun = eventually {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folderOfShards)) ?? []
                return names.contains { $0.hasSuffix(".tar.zst") } || !leader.isRunning
            }
            try #require(isBegun && first.isRunning && second.isRunning, "\(first.errors) \(second.errors)")
        }

        /// The second finished the build, which is as one that nothing happened to.
        func expectFinished() throws {
            let ended = second.wait()
            #expect(ended.status == 0 && ended.errors.contains("takes over the build"), "\(ended)")
            #expect(worker.wait().status == 0)
            #expect(try site.files("out") == site.files("one"))
            let status = try Program.run(
                Project.executables + "/pipeline", ["status", "--output", site.folder + "/out"])
            #expect(status.status == 0 && status.output.contains("finished"), "\(status)")
        }
    }

    @Test("takes over within seconds when the leader is killed, and nothing is done twice or lost")
    func killed() throws {
        let scene = try Scene(count: 48, try PostgresServer.shared.get())
        scene.first.signal(SIGKILL)
        _ = scene.first.wait()
        try scene.expectFinished()
    }

    @Test("takes over from a leader that is stopped, which is refused when it goes on")
    func stopped() throws {
        let scene = try Scene(count: 48, try PostgresServer.shared.get())
        scene.first.signal(SIGSTOP)
        try scene.expectFinished()
        scene.first.signal(SIGCONT)
        let zombie = scene.first.wait()
        #expect(zombie.status == 69 && zombie.errors.contains("another coordinator has taken it over"), "\(zombie)")
        #expect(try scene.site.files("out") == scene.site.files("one"))
    }

    @Test("waits with the leader while the database is away")
    func databaseAway() throws {
        let server = try PostgresServer()
        let scene = try Scene(count: 48, server)
        try server.stop(crash: true)
        usleep(3_000_000)
        try server.start()
        let ended = scene.first.wait()
        #expect(ended.status == 0, "\(ended)")
        #expect(scene.second.wait().status == 0)
        #expect(scene.worker.wait().status == 0)
        #expect(try scene.site.files("out") == scene.site.files("one"))
    }
}
